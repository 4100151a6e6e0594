"""A value beyond what the thing can be is a question; one that is impossible stays refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.callers import GUIDE_CHARGE_POINT, Caller, fields, problem
from tests.api.conftest import Own
from tests.api.test_audit import trail
from tests.api.test_tenancy import CHARGE_POINT, OWNED, PROJECT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "facilities@riversidebp.com"
PRICE = "elements.0.price_components.0.price"


def tariff(price: str, *, vat: str | None = None, currency: str = "GBP") -> dict[str, Any]:
    component = {"type": "ENERGY", "price": price} | ({"vat": vat} if vat else {})
    return {"currency": currency, "elements": [{"price_components": [component]}]}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A call with a value that is asked about."""

    method: str
    path: str
    body: Mapping[str, Any]
    field: str
    value: float
    unit: str
    least: float | None
    most: float | None
    impossible: Mapping[str, Any] | None = None
    """A value that no confirmation lets through."""


CASES = [
    Case(
        method="PUT", path=f"{PROJECT}/power", body={"max_power_kw": 15000},
        field="max_power_kw", value=15000, unit="kW", least=1.3, most=2500,
        impossible={"max_power_kw": 30000},
    ),
    Case(
        method="PUT", path=f"{OWNED}/power", body={"max_amps_per_phase": 9000},
        field="max_amps_per_phase", value=9000, unit="A", least=6, most=4000,
        impossible={"max_amps_per_phase": 5},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/electrical", body={"max_amps": 400},
        field="max_amps", value=400, unit="A", least=6, most=125,
        impossible={"max_amps": 5},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"rcd_rated_current_ma": 0.03},
        field="rcd_rated_current_ma", value=0.03, unit="mA", least=10, most=300,
        impossible={"rcd_rated_current_ma": 0},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"earth_loop_impedance_ohm": 1999},
        field="earth_loop_impedance_ohm", value=1999, unit="Ω", least=0.02, most=200,
        impossible={"earth_loop_impedance_ohm": 2001},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"rcd_trip_time_ms": 0.018},
        field="rcd_trip_time_ms", value=0.018, unit="ms", least=2, most=500,
        impossible={"rcd_trip_time_ms": 1001},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"insulation_resistance_mohm": 0.1},
        field="insulation_resistance_mohm", value=0.1, unit="MΩ", least=0.5, most=10000,
        impossible={"insulation_resistance_mohm": -1},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration",
        body={"protective_device_current_a": 0.04},
        field="protective_device_current_a", value=0.04, unit="A", least=6, most=160,
        impossible={"protective_device_current_a": 6301},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"cable_cross_section_mm2": 600},
        field="cable_cross_section_mm2", value=600, unit="mm²", least=1.5, most=95,
        impossible={"cable_cross_section_mm2": 0},
    ),
    Case(
        method="PUT", path=f"{CHARGE_POINT}/declaration", body={"r1_plus_r2_ohm": 210},
        field="r1_plus_r2_ohm", value=210, unit="Ω", least=0.01, most=10,
        impossible={"r1_plus_r2_ohm": -0.2},
    ),
    Case(
        method="PUT", path=f"{PROJECT}/default-tariff", body=tariff("30"),
        field=PRICE, value=30, unit="GBP per kWh", least=0.034, most=1,
        impossible=tariff("-1"),
    ),
    Case(
        method="PUT", path=f"{OWNED}/tariff", body=tariff("0.30", vat="0.2"),
        field="elements.0.price_components.0.vat", value=0.2, unit="%", least=2, most=27,
        impossible=tariff("0.30", vat="101"),
    ),
    Case(
        method="PATCH", path=CHARGE_POINT, body={"location": {"latitude": 0, "longitude": 0}},
        field="location", value=0, unit="degrees", least=None, most=None,
        impossible={"location": {"latitude": 91, "longitude": 0}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.method} {case.field}")
async def test_it_is_asked_confirmed_and_audited(case: Case, installer: Caller, owner: Own) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    of_site = await owner(OWNER, project)
    caller = of_site if "/site-owner/" in case.path else installer
    path = case.path.format(project_id=project, charge_point_id=charge_point)
    before = len(await trail(installer, project))

    asked = problem(await caller.call(case.method, path, case.body), 422, "implausible")
    (error,) = asked["errors"]
    assert error.pop("detail") in asked["detail"]
    expected = {"field": case.field, "value": case.value, "unit": case.unit}
    usual = {"least": case.least, "most": case.most}
    assert error == expected | {name: value for name, value in usual.items() if value is not None}
    assert f'"confirm": ["{case.field}"]' in asked["detail"]
    assert len(await trail(installer, project)) == before

    other = {**case.body, "confirm": ["another_field"]}
    problem(await caller.call(case.method, path, other), 422, "implausible")
    answer = await caller.call(case.method, path, {**case.body, "confirm": [case.field]})
    assert answer.status_code == 200, answer.text
    assert "confirm" not in answer.json()
    entries = [
        entry
        for entry in (await trail(installer, project))[before:]
        if entry["action"] == "implausible.confirmed"
    ]
    (entry,) = entries
    assert entry["email"] == caller.email
    assert list(entry["after"]) == [case.field]
    assert entry["after"][case.field].endswith(case.unit)
    assert len(await trail(installer, project)) == before + 2

    if case.impossible is not None:
        body = {**case.impossible, "confirm": [case.field]}
        problem(await caller.call(case.method, path, body), 422, "invalid_input")


async def test_several_are_asked_at_once(installer: Caller) -> None:
    path = f"/charge-points/{await installer.charge_point()}/declaration"
    body = {"rcd_rated_current_ma": 0.03, "earth_loop_impedance_ohm": 1999, "rcd_trip_time_ms": 18}
    answer = await installer.call("PUT", f"/api/v1/installer{path}", body)
    asked = problem(answer, 422, "implausible")
    assert fields(asked) == {"rcd_rated_current_ma", "earth_loop_impedance_ohm"}
    one = body | {"confirm": ["earth_loop_impedance_ohm"]}
    answer = await installer.call("PUT", f"/api/v1/installer{path}", one)
    assert fields(problem(answer, 422, "implausible")) == {"rcd_rated_current_ma"}
    both = body | {"confirm": sorted(fields(asked))}
    answer = await installer.call("PUT", f"/api/v1/installer{path}", both)
    assert answer.status_code == 200


async def test_by_ac_and_dc(installer: Caller) -> None:
    """400 A are usual for a DC charge point, and its energy costs more."""
    project = await installer.project()
    dc = await installer.charge_point(
        project, vendor="Kempower", model="S-Series Satellite", serial_number="K-1"
    )
    answer = await installer.call(
        "PUT", CHARGE_POINT.format(charge_point_id=dc) + "/electrical", {"max_amps": 400}
    )
    assert answer.status_code == 200, answer.text
    path = PROJECT.format(project_id=project) + "/default-tariff"
    assert (await installer.call("PUT", path, tariff("1.20"))).status_code == 200
    ac = await installer.project()
    await installer.charge_point(ac)
    path = PROJECT.format(project_id=ac) + "/default-tariff"
    problem(await installer.call("PUT", path, tariff("1.20")), 422, "implausible")
    await installer.charge_point(ac, vendor="Nobody", model="Nothing", serial_number="N-1")
    assert (await installer.call("PUT", path, tariff("1.20"))).status_code == 200


async def test_a_registration(installer: Caller) -> None:
    project = await installer.project()
    body = GUIDE_CHARGE_POINT | {
        "project_id": project,
        "location": {"latitude": 0.0, "longitude": 0.0},
    }
    problem(await installer.post("/charge-points", body), 422, "implausible")
    answer = await installer.post("/charge-points", body | {"confirm": ["location"]})
    assert answer.status_code == 201
    actions = [entry["action"] for entry in await trail(installer, project)]
    assert actions[1:] == ["charge_point.registered", "implausible.confirmed"]


class TestImport:
    HEADER = "serial_number,model,vendor,latitude,longitude\n"

    async def _send(
        self, caller: Caller, project: str, rows: str, query: str = ""
    ) -> httpx.Response:
        return await caller.post(
            f"/projects/{project}/charge-points/import{query}",
            content=(self.HEADER + rows).encode(),
            headers={"Content-Type": "text/csv"},
        )

    async def test_rows_are_asked_about_and_confirmed_in_the_query(self, installer: Caller) -> None:
        project = await installer.project()
        rows = "A,M,V,51.4,-2.5\nB,M,V,0,0\nC,M,V,0.0,0.0\n"
        asked = problem(await self._send(installer, project, rows), 422, "implausible")
        assert [(error["row"], error["field"]) for error in asked["errors"]] == [
            (3, "location"),
            (4, "location"),
        ]
        assert "?confirm=location" in asked["detail"]
        assert asked["total"] == 2
        answer = await self._send(installer, project, rows, "?confirm=location")
        assert answer.status_code == 201, answer.text
        actions = [entry["action"] for entry in await trail(installer, project)]
        assert actions[1:] == ["charge_points.imported", "implausible.confirmed"]

    async def test_what_is_wrong_is_told_with_it(self, installer: Caller) -> None:
        project = await installer.project()
        rows = "A,M,V,0,0\nB,M,V,91,0\n"
        told = problem(await self._send(installer, project, rows), 422, "invalid_rows")
        assert [error["row"] for error in told["errors"]] == [2, 3]


async def test_whose_it_is_comes_first(installer: Caller, stranger: Caller) -> None:
    """Nobody learns of somebody else's charge point by a question about it."""
    path = CHARGE_POINT.format(charge_point_id=await installer.charge_point()) + "/electrical"
    answer = await stranger.call("PUT", path, {"max_amps": 400})
    problem(answer, 404, "charge_point_not_found")
