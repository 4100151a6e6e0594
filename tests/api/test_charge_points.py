from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, update

from domain.commissioning import RunOptions, RunRequest
from domain.ids import Prefix, new_id
from domain.states import RunStatus
from storage.engine import Database
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot, Connector
from storage.runs import Runs
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, fields, problem
from tests.api.conftest import Own
from tests.api.node import hold
from tests.api.verdicts import judge
from tests.api.visits import handed_over
from tests.documents.reports import PASSED

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def run_started(database: Database, project: str, charge_point: str) -> None:
    async with database.write() as connection:
        await Runs(connection).create_starting(
            RunRequest(
                commissioning_id=new_id(Prefix.COMMISSIONING),
                charge_point_id=charge_point,
                project_id=project,
                installer_id="usr_x",
                started_by="installer@acme.com",
                started_at=datetime.now(UTC),
                options=RunOptions(),
            )
        )


class TestRegister:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/charge-points", {}), 401, "token_missing")

    async def test_answers_where_to_connect(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.post(
            "/charge-points", GUIDE_CHARGE_POINT | {"project_id": project}
        )
        assert answer.status_code == 201
        identity = answer.json()["id"]
        assert answer.json()["ocpp_endpoint"] == f"wss://ocpp.example.com/{identity}"

    async def test_location_and_version_may_be_left_out(self, installer: Caller) -> None:
        body = {"serial_number": "1", "model": "M", "vendor": "V"}
        body["project_id"] = await installer.project()
        assert (await installer.post("/charge-points", body)).status_code == 201

    async def test_how_many_connectors_it_has_may_be_declared(self, installer: Caller) -> None:
        identity = await installer.charge_point(connectors=2)
        assert (await installer.get(f"/charge-points/{identity}")).json()[
            "declared_connectors"
        ] == 2
        silent = await installer.charge_point()
        assert (await installer.get(f"/charge-points/{silent}")).json()[
            "declared_connectors"
        ] is None

    async def test_a_serial_number_is_unique_in_its_project(self, installer: Caller) -> None:
        project = await installer.project()
        await installer.charge_point(project)
        body = GUIDE_CHARGE_POINT | {"project_id": project, "serial_number": " cp-sn-00483921 "}
        problem(await installer.post("/charge-points", body), 409, "duplicate_serial")
        await installer.charge_point()  # in another project it is fine

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"serial_number": ""}, "serial_number"),
            ({"serial_number": "SN\n1"}, "serial_number"),
            ({"serial_number": "x" * 101}, "serial_number"),
            ({"model": None}, "model"),
            ({"vendor": "A\tB"}, "vendor"),
            ({"ocpp_version": "2.0.1"}, "ocpp_version"),
            ({"ocpp_version": "1.5"}, "ocpp_version"),
            ({"location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
            ({"location": {"latitude": 0, "longitude": -181}}, "location.longitude"),
            ({"location": {"latitude": "51", "longitude": 0}}, "location.latitude"),
            ({"location": {"latitude": True, "longitude": 0}}, "location.latitude"),
            ({"location": {"latitude": 10**400, "longitude": 0}}, "location.latitude"),
            ({"location": {"latitude": 51}}, "location.longitude"),
            ({"location": {"adress": "Bay 3"}}, "location.adress"),
            ({"location": []}, "location"),
            ({"connectors": 0}, "connectors"),
            ({"connectors": 65}, "connectors"),
            ({"connectors": 2**31}, "connectors"),
            ({"connectors": "2"}, "connectors"),
            ({"connectors": 2.0}, "connectors"),
            ({"connectors": True}, "connectors"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, installer: Caller, change: dict[str, Any], field: str
    ) -> None:
        body = GUIDE_CHARGE_POINT | {"project_id": await installer.project()} | change
        document = problem(await installer.post("/charge-points", body), 422, "invalid_input")
        assert fields(document) == {field}

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
    async def test_what_is_no_number(self, installer: Caller, number: str) -> None:
        project = await installer.project()
        content = (
            f'{{"project_id": "{project}", "serial_number": "1", "model": "M", "vendor": "V",'
            f' "location": {{"latitude": {number}, "longitude": 0}}}}'
        )
        headers = {"Content-Type": "application/json"}
        answer = await installer.post("/charge-points", content=content, headers=headers)
        assert fields(problem(answer, 422, "invalid_input")) == {"location.latitude"}

    async def test_an_unsupported_version_is_explained(self, installer: Caller) -> None:
        body = GUIDE_CHARGE_POINT | {"project_id": "prj_x", "ocpp_version": "2.1"}
        answer = await installer.post("/charge-points", body)
        assert "not supported yet" in answer.json()["detail"]


class TestShow:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/charge-points/cp_x"), 401, "token_missing")

    async def test_one_that_never_connected(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        shown = (await installer.get(f"/charge-points/{identity}")).json()
        assert shown["connection"]["connected"] is False
        assert shown["connection"]["since"] is None
        assert shown["firmware"] is None
        assert shown["connectors"] == []
        assert shown["location"] == GUIDE_CHARGE_POINT["location"]

    async def test_with_what_it_reported(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        await hold(database, identity, "node_1")
        at = datetime(2026, 5, 1, 9, 20, 0, 450_000, tzinfo=UTC)
        async with database.write() as connection:
            await connection.execute(
                insert(Boot).values(
                    id="evt_1",
                    charge_point_id=identity,
                    at=at,
                    vendor="ABB",
                    model="Terra AC W22",
                    charge_point_serial="CP-SN-00483921",
                    firmware_version="1.8.21",
                    registration="Accepted",
                    warnings=[],
                    payload={},
                )
            )
            await connection.execute(
                insert(Connector).values(
                    charge_point_id=identity,
                    evse_id=1,
                    connector_id=1,
                    status="Faulted",
                    error_code="GroundFailure",
                    raw_status="Faulted",
                    raw_error_code="GroundFailure",
                    vendor_error_code="E17",
                    at=at,
                )
            )
        shown = (await installer.get(f"/charge-points/{identity}")).json()
        assert shown["connection"]["connected"] is True
        assert shown["connection"]["ocpp_version"] == "1.6"
        assert shown["firmware"]["version"] == "1.8.21"
        assert shown["firmware"]["booted_at"] == "2026-05-01T09:20:00.450Z"
        assert shown["connectors"] == [
            {
                "connector_id": 1,
                "evse_id": 1,
                "status": "Faulted",
                "error_code": "GroundFailure",
                "vendor_error_code": "E17",
                "info": None,
                "at": "2026-05-01T09:20:00.450Z",
            }
        ]

    async def test_one_that_has_used_its_day_up(
        self, installer: Caller, owner: Own, database: Database
    ) -> None:
        """An alarm for whoever is in charge, with what to do, and how much was left out."""
        site = await handed_over(installer, owner, database, bays=1)
        of_site, identity = site.bays[0], await installer.charge_point()
        for one in (of_site, identity):
            await hold(database, one, new_id(Prefix.NODE))
        now = datetime.now(UTC)

        async def alarms() -> list[Any]:
            answers = [
                await installer.get(f"/charge-points/{identity}"),
                await site.owner.call(
                    "GET", f"{V1}/site-owner/projects/{site.project}/charge-points/{of_site}"
                ),
            ]
            return [answer.json()["connection"]["over_budget"] for answer in answers]

        assert await alarms() == [None, None]
        over = {"budget_day": now.date(), "budget_left_out": 4217, "budget_over_at": now}
        async with database.write() as connection:
            await connection.execute(update(ChargePointConnection).values(**over))
        first, second = await alarms()
        assert first == second
        assert datetime.fromisoformat(first["since"]) == now.replace(
            microsecond=now.microsecond // 1000 * 1000
        )
        assert first["left_out"] == 4217
        assert "raise MeterValueSampleInterval" in first["likely_cause"]


class TestList:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/charge-points"), 401, "token_missing")

    async def test_by_project_and_status(self, installer: Caller, stranger: Caller) -> None:
        project = await installer.project()
        mine = await installer.charge_point(project)
        other = await installer.charge_point()
        await stranger.charge_point()

        async def listed(**query: str) -> set[str]:
            page = (await installer.get("/charge-points", params=query)).json()
            return {item["id"] for item in page["items"]}

        assert await listed() == {mine, other}
        assert await listed(project_id=project) == {mine}
        assert await listed(project_id=project, status="commissioned") == set()


class TestChange:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.patch("/charge-points/cp_x", {}), 401, "token_missing")

    async def test_its_location(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        location = {"latitude": 1.5, "longitude": 2, "address": "Bay 4"}
        answer = await installer.patch(f"/charge-points/{identity}", {"location": location})
        assert answer.status_code == 200
        assert answer.json()["location"] == location
        assert answer.json()["serial_number"] == "CP-SN-00483921"

    async def test_how_many_connectors_it_has(self, installer: Caller) -> None:
        identity = await installer.charge_point(connectors=2)
        path = f"/charge-points/{identity}"
        assert (await installer.patch(path, {"vendor": "ABB"})).json()["declared_connectors"] == 2
        assert (await installer.patch(path, {"connectors": 64})).json()["declared_connectors"] == 64
        assert (await installer.patch(path, {"connectors": None})).json()[
            "declared_connectors"
        ] is None
        wrong = problem(await installer.patch(path, {"connectors": 65}), 422, "invalid_input")
        assert fields(wrong) == {"connectors"}

    async def test_another_model_forgets_the_chosen_values(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        choice = {"parameters": [{"key": "MaxChargingProfilesInstalled", "value": 20}]}
        await installer.post(f"/charge-points/{identity}/config/customize", choice)
        answer = await installer.patch(
            f"/charge-points/{identity}", {"vendor": "Acme", "model": "Box"}
        )
        assert answer.status_code == 200
        shown = (await installer.get(f"/charge-points/{identity}/config")).json()
        assert not any(parameter["customized"] for parameter in shown["parameters"])

    async def test_its_identity_stays_while_a_run_is_open(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await run_started(database, project, identity)
        answer = await installer.patch(f"/charge-points/{identity}", {"serial_number": "OTHER"})
        document = problem(answer, 409, "run_open")
        assert document["commissioning_id"].startswith("com_")
        answer = await installer.patch(f"/charge-points/{identity}", {"location": {}})
        assert answer.status_code == 200
        cancelled = await installer.post(f"/commissioning/{identity}/cancel", {})
        assert cancelled.status_code == 202, cancelled.text
        answer = await installer.patch(f"/charge-points/{identity}", {"serial_number": "OTHER"})
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ({"serial_number": "CP-SN-0048392l"}, {"serial_number": "CP-SN-00483921"}),
            ({"vendor": "ABBA"}, {"vendor": "ABB"}),
            ({"model": "Terra AC W11"}, {"model": "ABB Terra AC W22"}),
        ],
    )
    async def test_a_verdict_about_another_name_plate_does_not_count(
        self,
        installer: Caller,
        database: Database,
        wrong: dict[str, str],
        right: dict[str, str],
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await judge(database, identity, project)
        answer = await installer.patch(f"/charge-points/{identity}", wrong)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "registered"
        answer = await installer.patch(f"/charge-points/{identity}", right)
        assert answer.json()["status"] == "commissioned"

    async def test_a_cancelled_run_does_not_bring_a_stale_verdict_back(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await judge(database, identity, project)
        await installer.patch(f"/charge-points/{identity}", {"serial_number": "OTHER"})
        cancelled = replace(
            PASSED, run=replace(PASSED.run, status=RunStatus.CANCELLED), transaction=None
        )
        await judge(database, identity, project, cancelled)
        assert (await installer.get(f"/charge-points/{identity}")).json()["status"] == "registered"

    async def test_not_to_a_serial_number_that_is_there(self, installer: Caller) -> None:
        project = await installer.project()
        await installer.charge_point(project)
        other = await installer.charge_point(project, serial_number="OTHER")
        answer = await installer.patch(
            f"/charge-points/{other}", {"serial_number": "CP-SN-00483921"}
        )
        problem(answer, 409, "duplicate_serial")


class TestRemove:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.delete("/charge-points/cp_x"), 401, "token_missing")

    async def test_one_registered_by_mistake(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        await hold(database, identity, "node_1")
        assert (await installer.delete(f"/charge-points/{identity}")).status_code == 204
        problem(await installer.get(f"/charge-points/{identity}"), 404, "charge_point_not_found")

    async def test_not_once_commissioning_began(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await run_started(database, project, identity)
        document = problem(await installer.delete(f"/charge-points/{identity}"), 409, "has_runs")
        assert "/withdraw" in document["detail"]
