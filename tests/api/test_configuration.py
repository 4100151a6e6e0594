from typing import Any

import pytest
from temporalio.client import Client

from domain.operations import ConfigurationKey
from domain.states import ParameterState
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.engine import Database
from storage.learnt_configuration import keep_reported_keys
from storage.run_records import desired_parameters
from tests.api.callers import Caller, fields, problem
from tests.api.node import connected_node, hold
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def chosen(**values: Any) -> dict[str, Any]:
    return {"parameters": [{"key": key, "value": value} for key, value in values.items()]}


class TestTemplate:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.get("/charge-points/cp_x/config/template")
        problem(answer, 401, "token_missing")

    async def test_an_unknown_model_gets_the_generic_one(self, installer: Caller) -> None:
        identity = await installer.charge_point(vendor="Acme", model="Box 1")
        answer = await installer.get(f"/charge-points/{identity}/config/template")
        assert answer.status_code == 200
        assert answer.json()["template_version"] == "1.0.0"
        assert [parameter["key"] for parameter in answer.json()["parameters"]] == [
            "HeartbeatInterval",
            "MeterValueSampleInterval",
            "AuthorizationCacheEnabled",
        ]


class TestShow:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/charge-points/cp_x/config"), 401, "token_missing")

    async def test_defaults_and_choices(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await installer.post(
            f"/charge-points/{identity}/config/customize",
            chosen(HeartbeatInterval=30, AuthorizationCacheEnabled=False),
        )
        answer = await installer.get(f"/charge-points/{identity}/config")
        shown = {parameter["key"]: parameter for parameter in answer.json()["parameters"]}
        assert answer.json()["pending_reboot"] is False
        assert shown["HeartbeatInterval"]["desired"] == 30
        assert shown["HeartbeatInterval"]["reported"] is None
        assert shown["HeartbeatInterval"]["state"] == "queued"
        assert shown["AuthorizationCacheEnabled"]["desired"] is False
        assert shown["MeterValueSampleInterval"]["desired"] == 30
        assert shown["MeterValueSampleInterval"]["customized"] is False
        assert shown["MaxChargingProfilesInstalled"]["assertion"] is True


class TestCustomize:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/charge-points/cp_x/config/customize", {})
        problem(answer, 401, "token_missing")

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            (chosen(HeartbeatIntervall=30), {"parameters.0.key"}),
            (chosen(HeartbeatInterval=30, heartbeatinterval=30), {"parameters.1.key"}),
            (chosen(HeartbeatInterval="30"), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=True), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=30.5), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=None), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=[30]), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=0), {"parameters.0.value"}),
            (chosen(HeartbeatInterval=10**30), {"parameters.0.value"}),
            (chosen(AuthorizationCacheEnabled=1), {"parameters.0.value"}),
            (chosen(AuthorizationCacheEnabled="true"), {"parameters.0.value"}),
            (
                chosen(HeartbeatInterval=0, MeterValueSampleInterval=True, Nonsense=1),
                {"parameters.0.value", "parameters.1.value", "parameters.2.key"},
            ),
            (
                {"parameters": chosen(HeartbeatInterval=9)["parameters"] * 2},
                {"parameters.1.key"},
            ),
        ],
    )
    async def test_what_the_template_does_not_take_is_named(
        self, installer: Caller, body: dict[str, Any], wrong: set[str]
    ) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/charge-points/{identity}/config/customize", body)
        assert fields(problem(answer, 422, "invalid_parameters")) == wrong
        shown = (await installer.get(f"/charge-points/{identity}/config")).json()
        assert not any(parameter["customized"] for parameter in shown["parameters"])

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"parameters": []},
            {"parameters": [], "take_back": []},
            {"take_back": [7]},
            {"take_back": "HeartbeatInterval"},
            {"parameters": [{"key": "HeartbeatInterval"}]},
            chosen(HeartbeatInterval=30) | {"reboot": "yes"},
        ],
    )
    async def test_what_is_no_customization(self, installer: Caller, body: dict[str, Any]) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/charge-points/{identity}/config/customize", body)
        problem(answer, 422, "invalid_input")

    async def test_without_a_connection_it_is_queued(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        body = chosen(HeartbeatInterval=30, MaxChargingProfilesInstalled=12)
        answer = await installer.post(f"/charge-points/{identity}/config/customize", body)
        assert answer.json() == {
            "charge_point_id": identity,
            "applied": [],
            "rejected": [],
            "queued": ["HeartbeatInterval", "MaxChargingProfilesInstalled"],
            "pending_reboot": False,
        }

    async def test_keys_of_the_standard_and_those_that_it_has_reported(
        self, installer: Caller, database: Database
    ) -> None:
        identity = await installer.charge_point()
        path = f"/charge-points/{identity}/config"
        body = chosen(metervaluessampleddata="Energy.Active.Import.Register", AcmeLedColour="blue")
        refused = problem(
            await installer.post(f"{path}/customize", body), 422, "invalid_parameters"
        )
        assert fields(refused) == {"parameters.1.key"}
        async with database.write() as connection:
            await keep_reported_keys(
                connection,
                identity,
                [ConfigurationKey(key="AcmeLedColour", value="red", readonly=False)],
                [],
            )
        more = {one["key"]: one for one in (await installer.get(path)).json()["more_keys"]}
        assert more["AcmeLedColour"]["standard"] is False
        assert more["MeterValuesSampledData"]["standard"] is True
        assert not {"HeartbeatInterval", "NumberOfConnectors", "AuthorizationKey"} & set(more)
        answer = await installer.post(f"{path}/customize", body)
        assert answer.json()["queued"] == ["MeterValuesSampledData", "AcmeLedColour"]
        shown = (await installer.get(path)).json()
        added = {one["key"]: one for one in shown["parameters"]}
        assert added["AcmeLedColour"]["desired"] == "blue"
        assert added["AcmeLedColour"]["default"] is None
        assert added["MeterValuesSampledData"]["customized"] is True
        assert "AcmeLedColour" not in {one["key"] for one in shown["more_keys"]}
        async with database.read() as connection:
            device = await read_registered(connection, identity)
            desired = await desired_parameters(connection, load_catalogue(), device)
        assert [(one.key, one.chosen, one.required) for one in desired] == [
            ("HeartbeatInterval", False, True),
            ("MeterValueSampleInterval", False, True),
            ("MaxChargingProfilesInstalled", False, False),
            ("AuthorizationCacheEnabled", False, False),
            ("AcmeLedColour", True, False),
            ("MeterValuesSampledData", True, False),
        ]

    async def test_a_choice_is_taken_back(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        path = f"/charge-points/{identity}/config"
        await installer.post(f"{path}/customize", chosen(HeartbeatInterval=30, CpoName="Acme"))
        wrong = await installer.post(f"{path}/customize", {"take_back": ["LightIntensity"]})
        assert fields(problem(wrong, 422, "invalid_parameters")) == {"take_back.0"}
        answer = await installer.post(
            f"{path}/customize", {"take_back": ["cponame", "HeartbeatInterval"]}
        )
        assert answer.status_code == 200
        assert answer.json()["taken_back"] == ["CpoName", "HeartbeatInterval"]
        shown = {one["key"]: one for one in (await installer.get(path)).json()["parameters"]}
        assert "CpoName" not in shown
        assert shown["HeartbeatInterval"]["desired"] == 60
        assert shown["HeartbeatInterval"]["customized"] is False

    @pytest.mark.usefixtures("engine")
    async def test_a_connected_one_is_told_now(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        async with connected_node(temporal_client, database, identity) as node:
            node.states = {
                "MeterValueSampleInterval": ParameterState.REJECTED,
                "AuthorizationCacheEnabled": ParameterState.PENDING_REBOOT,
            }
            node.details = {"MeterValueSampleInterval": "The charge point answered Rejected."}
            answer = await installer.post(
                f"/charge-points/{identity}/config/customize",
                chosen(
                    HeartbeatInterval=30,
                    MeterValueSampleInterval=15,
                    AuthorizationCacheEnabled=False,
                ),
            )
        assert answer.status_code == 200
        assert answer.json() == {
            "charge_point_id": identity,
            "applied": ["HeartbeatInterval", "AuthorizationCacheEnabled"],
            "rejected": [
                {
                    "key": "MeterValueSampleInterval",
                    "reason": "The charge point answered Rejected.",
                }
            ],
            "queued": [],
            "pending_reboot": True,
        }
        assert node.received[0]["HeartbeatInterval"] == "30"
        assert node.received[0]["AuthorizationCacheEnabled"] == "false"
        shown = (await installer.get(f"/charge-points/{identity}/config")).json()
        states = {parameter["key"]: parameter["state"] for parameter in shown["parameters"]}
        assert states == {
            "HeartbeatInterval": "applied",
            "MeterValueSampleInterval": "rejected",
            "MaxChargingProfilesInstalled": None,
            "AuthorizationCacheEnabled": "pending_reboot",
        }
        assert shown["pending_reboot"] is True
        assert node.resets == []

    @pytest.mark.usefixtures("engine")
    async def test_a_reboot_goes_on_after_the_answer(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        async with connected_node(temporal_client, database, identity) as node:
            node.states = {"HeartbeatInterval": ParameterState.PENDING_REBOOT}
            path = f"/charge-points/{identity}/config/customize"
            answer = await installer.post(path, chosen(HeartbeatInterval=30) | {"reboot": True})
            assert answer.json()["applied"] == ["HeartbeatInterval"]
            assert answer.json()["pending_reboot"] is True

            def restarts() -> None:
                assert len(node.resets) == 1

            await eventually(restarts)
            later = await installer.post(path, chosen(MeterValueSampleInterval=15))
            assert later.json()["queued"] == ["MeterValueSampleInterval"]
            assert len(node.resets) == 1

    @pytest.mark.usefixtures("engine")
    async def test_during_a_run_it_is_queued(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        await installer.post(f"/commissioning/{identity}/start", {})
        await hold(database, identity, "node_that_is_not_asked")
        body = chosen(HeartbeatInterval=30)
        answer = await installer.post(f"/charge-points/{identity}/config/customize", body)
        assert answer.json()["queued"] == ["HeartbeatInterval"]
        await installer.post(f"/commissioning/{identity}/cancel")


class TestConnection:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/charge-points/cp_x/test-connection")
        problem(answer, 401, "token_missing")

    @pytest.mark.usefixtures("engine")
    async def test_a_connected_one_is_measured(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        async with connected_node(temporal_client, database, identity):
            answer = await installer.post(f"/charge-points/{identity}/test-connection")
        tested = answer.json()
        assert tested.pop("tested_at")
        assert tested == {
            "charge_point_id": identity,
            "connected": True,
            "latency_ms": 42,
            "ocpp_version_negotiated": "1.6",
            "reason": None,
            "claim": None,
        }
