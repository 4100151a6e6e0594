"""The power of a site: limits and cables before the handover, limits and features after it."""

from typing import Any

import pytest
from sqlalchemy import insert, update

from api.deps import now
from domain.power.facts import SiteQuestion
from domain.states import Feature, FeatureState, ProjectStatus
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.models.charge_points import ChargePointFeature
from storage.models.projects import Project
from storage.power_sharing import StoredPowerSharing
from tests.api.callers import Caller, fields, problem
from tests.api.conftest import Own

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "/api/v1/site-owner/projects"
TARIFF = {
    "currency": "GBP",
    "elements": [{"price_components": [{"type": "ENERGY", "price": "0.30", "vat": "20"}]}],
}


async def put(caller: Caller, path: str, body: Any) -> Any:
    return await caller.call("PUT", f"/api/v1/installer{path}", body)


async def hand_over(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(update(Project).values(status=ProjectStatus.HANDED_OVER))


class TestLimit:
    async def test_none_is_set_at_first(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.get(f"/projects/{project}/power")
        assert answer.json() == {"max_power_kw": None, "max_amps_per_phase": None, "phases": 3}

    @pytest.mark.parametrize(
        ("body", "shown"),
        [
            (
                {"max_power_kw": 22.08},
                {"max_power_kw": 22.08, "max_amps_per_phase": 32, "phases": 3},
            ),
            (
                {"max_amps_per_phase": 63, "phases": 1},
                {"max_power_kw": 14.49, "max_amps_per_phase": 63, "phases": 1},
            ),
            ({}, {"max_power_kw": None, "max_amps_per_phase": None, "phases": 3}),
        ],
    )
    async def test_in_kilowatts_or_amperes(
        self, installer: Caller, body: dict[str, Any], shown: dict[str, Any]
    ) -> None:
        project = await installer.project()
        answer = await put(installer, f"/projects/{project}/power", body)
        assert answer.json() == shown
        assert (await installer.get(f"/projects/{project}/power")).json() == shown

    @pytest.mark.parametrize(
        "body",
        [
            {"max_power_kw": 22, "max_amps_per_phase": 32},
            {"max_power_kw": 4},
            {"max_amps_per_phase": 5.9},
            {"max_power_kw": -1},
            {"phases": 2},
            {"max_power_kw": 1e9},
        ],
    )
    async def test_what_is_no_limit(self, installer: Caller, body: dict[str, Any]) -> None:
        project = await installer.project()
        problem(await put(installer, f"/projects/{project}/power", body), 422, "invalid_input")

    async def test_the_owner_sets_it_after_the_handover(
        self, installer: Caller, owner: Own, database: Database, engine: None
    ) -> None:
        project = await installer.project()
        facilities = await owner("facilities@riversidebp.com", project)
        for amps in (32, 63):
            answer = await facilities.call(
                "PUT", f"{OWNER}/{project}/power", {"max_amps_per_phase": amps}
            )
            assert answer.status_code == 200, answer.text
            answer = await facilities.call("GET", f"{OWNER}/{project}/power")
            assert answer.json()["max_amps_per_phase"] == amps
            await hand_over(database)
        refused = await put(installer, f"/projects/{project}/power", {"max_power_kw": 99})
        problem(refused, 409, "project_handed_over")


class TestElectrical:
    async def test_a_cable_and_its_phases(self, installer: Caller) -> None:
        path = f"/charge-points/{await installer.charge_point()}/electrical"
        assert (await installer.get(path)).json() == {
            "max_amps": 32,
            "phases": None,
            "voltage": 230,
        }
        answer = await put(
            installer, path, {"max_amps": 16, "phases": ["L3", "L1"], "voltage": 240}
        )
        assert answer.json() == {"max_amps": 16, "phases": ["L1", "L3"], "voltage": 240}
        assert (await installer.get(path)).json() == answer.json()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"max_amps": 5}, "max_amps"),
            ({"phases": []}, "phases"),
            ({"phases": ["L4"]}, "phases.0"),
            ({"voltage": 12}, "voltage"),
        ],
    )
    async def test_what_is_no_cable(
        self, installer: Caller, body: dict[str, Any], field: str
    ) -> None:
        path = f"/charge-points/{await installer.charge_point()}/electrical"
        assert fields(problem(await put(installer, path, body), 422, "invalid_input")) == {field}

    async def test_what_the_site_makes_of_it(self, installer: Caller, database: Database) -> None:
        """Whether a cable was declared, its voltage, and what is a rectifier."""
        project = await installer.project()
        usual = await installer.charge_point(project, serial_number="A")
        body = {"max_amps": 200, "voltage": 240}
        rectifier = await installer.charge_point(
            project, serial_number="B", vendor="Kempower", model="S-Series Satellite"
        )
        answer = await put(installer, f"/charge-points/{rectifier}/electrical", body)
        assert answer.status_code == 200, answer.text
        sites = StoredPowerSharing(database, load_catalogue(), now=now)
        read = await sites.read_site(SiteQuestion(project_id=project))
        assert {
            one.charge_point_id: (one.max_amps, one.declared, one.voltage, one.direct_current)
            for one in read.stations
        } == {usual: (32, False, 230, False), rectifier: (200, True, 240, True)}


class TestOwnedElectrical:
    async def test_the_owner_declares_another_cable(
        self, installer: Caller, owner: Own, database: Database, engine: None
    ) -> None:
        """Before the handover and after it, when the site's workflow writes it."""
        project = await installer.project()
        path = f"charge-points/{await installer.charge_point(project)}/electrical"
        facilities = await owner("facilities@riversidebp.com", project)
        for amps in (20, 16):
            body = {"max_amps": amps, "phases": ["L1"], "voltage": 240}
            answer = await facilities.call("PUT", f"{OWNER}/{project}/{path}", body)
            assert answer.status_code == 200, answer.text
            assert answer.json() == body
            answer = await facilities.call("GET", f"{OWNER}/{project}/{path}")
            assert answer.json() == body
            await hand_over(database)
        trail = await facilities.call("GET", f"{OWNER}/{project}/audit")
        changes = [
            one["after"]["max_amps"]
            for one in trail.json()["items"]
            if one["action"] == "electrical.changed"
        ]
        assert sorted(changes) == [16, 20]

    async def test_an_odd_voltage_is_asked_about(self, installer: Caller, owner: Own) -> None:
        project = await installer.project()
        path = f"charge-points/{await installer.charge_point(project)}/electrical"
        facilities = await owner("facilities@riversidebp.com", project)
        answer = await facilities.call("PUT", f"{OWNER}/{project}/{path}", {"voltage": 400})
        problem(answer, 422, "implausible")


class TestFeatures:
    async def test_the_installer_is_told_too(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        problem(
            await installer.get(f"/projects/{project}/features"), 409, "project_not_handed_over"
        )
        await hand_over(database)
        cause, action = "It refuses its limits (Rejected).", "Raise the limit of the supply."
        async with database.write() as connection:
            await connection.execute(
                insert(ChargePointFeature).values(
                    charge_point_id=charge_point,
                    feature=Feature.SMART_CHARGING,
                    state=FeatureState.FAILED,
                    cause=cause,
                    action=action,
                    changed_at=now(),
                )
            )
        answer = await installer.get(f"/projects/{project}/features")
        (billing, smart_charging, offline_charging) = answer.json()
        assert (billing["feature"], billing["state"]) == ("billing", "not_set")
        assert f"PUT …/site-owner/projects/{project}/tariff" in billing["detail"]
        assert smart_charging["charge_points"] == [
            {
                "charge_point_id": charge_point,
                "state": "failed",
                "cause": cause,
                "action": action,
            }
        ]
        [bay] = offline_charging["charge_points"]
        assert (bay["charge_point_id"], bay["state"]) == (charge_point, "pending")
        assert bay["cause"].startswith("It is not in use")

    async def test_not_before_the_handover(self, installer: Caller, owner: Own) -> None:
        project = await installer.project()
        facilities = await owner("facilities@riversidebp.com", project)
        for method, path, body in (
            ("GET", "features", None),
            ("GET", "load", None),
            ("PUT", "features/smart_charging", {"paused": True}),
        ):
            answer = await facilities.call(method, f"{OWNER}/{project}/{path}", body)
            problem(answer, 409, "project_not_handed_over")

    async def test_pause_and_go_on(
        self, installer: Caller, owner: Own, database: Database, engine: None
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        facilities = await owner("facilities@riversidebp.com", project)
        await hand_over(database)
        path = f"{OWNER}/{project}"
        for paused, state in ((True, "paused"), (True, "paused"), (False, "activating")):
            answer = await facilities.call(
                "PUT", f"{path}/features/smart_charging", {"paused": paused}
            )
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] == state
        (waits,) = answer.json()["charge_points"]
        assert waits["charge_point_id"] == charge_point

    async def test_billing_begins_with_the_first_tariff(
        self, installer: Caller, owner: Own, database: Database
    ) -> None:
        project = await installer.project()
        facilities = await owner("facilities@riversidebp.com", project)
        await hand_over(database)
        path = f"{OWNER}/{project}"
        (billing, *_) = (await facilities.call("GET", f"{path}/features")).json()
        assert (billing["feature"], billing["state"]) == ("billing", "not_set")
        assert "no tariff" in billing["detail"]
        pause = {"paused": True}
        answer = await facilities.call("PUT", f"{path}/features/billing", pause)
        problem(answer, 409, "billing_not_active")
        answer = await facilities.call("PUT", f"{path}/tariff", TARIFF)
        assert answer.status_code == 200, answer.text
        for paused, state in ((None, "active"), (True, "paused"), (False, "active")):
            if paused is not None:
                await facilities.call("PUT", f"{path}/features/billing", {"paused": paused})
            (billing, *_) = (await facilities.call("GET", f"{path}/features")).json()
            assert billing["state"] == state

    async def test_what_drivers_can_do_offline_is_no_switch(
        self, installer: Caller, owner: Own, database: Database
    ) -> None:
        project = await installer.project()
        facilities = await owner("facilities@riversidebp.com", project)
        await hand_over(database)
        path = f"{OWNER}/{project}/features/offline_charging"
        problem(await facilities.call("PUT", path, {"paused": True}), 422, "invalid_input")

    async def test_how_the_power_is_shared(
        self, installer: Caller, owner: Own, database: Database, engine: None
    ) -> None:
        project = await installer.project()
        await installer.charge_point(project)
        facilities = await owner("facilities@riversidebp.com", project)
        await hand_over(database)
        answer = await facilities.call("GET", f"{OWNER}/{project}/load")
        assert answer.status_code == 200, answer.text
        assert answer.json()["sessions"] == []
        assert answer.json()["paused"] is False
