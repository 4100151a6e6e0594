"""The installer's access ends at the handover, but for the summary and the certificate."""

import pytest
from sqlalchemy import update

from domain.ids import Prefix, new_id
from domain.states import ChargePointStatus, Feature, ProjectStatus
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from tests.api.callers import V1, Caller, problem
from tests.api.conftest import Own
from tests.api.test_tenancy import (
    CASES,
    CHARGE_POINT,
    COMMISSIONING,
    PROJECT,
    SESSION,
    VISIT,
    WEBHOOK,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWNER = "facilities@riversidebp.com"
KEPT = {
    ("GET", PROJECT),
    ("GET", f"{PROJECT}/features"),
    ("GET", f"{PROJECT}/report"),
    ("GET", f"{PROJECT}/certificates"),
    ("GET", f"{COMMISSIONING}/report"),
    ("GET", f"{COMMISSIONING}/certificates"),
}
_ENDED = {
    case: body for case, body in CASES.items() if not case[1].startswith((WEBHOOK, VISIT, SESSION))
}


@pytest.fixture
async def site(installer: Caller, owner: Own, database: Database) -> tuple[str, str, Caller]:
    """A project that is handed over, its charge point, and its owner."""
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    of_site = await owner(OWNER, project)
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))
        await connection.execute(update(Project).values(status=ProjectStatus.HANDED_OVER))
    return project, charge_point, of_site


async def test_every_other_route_is_refused(
    installer: Caller, site: tuple[str, str, Caller]
) -> None:
    project, charge_point, _ = site
    for (method, path), body in _ENDED.items():
        filled = path.format(
            project_id=project,
            charge_point_id=charge_point,
            commissioning_id=new_id(Prefix.COMMISSIONING),
            invitation_id=new_id(Prefix.INVITATION),
            photo_id=new_id(Prefix.PHOTO),
            account_id=new_id(Prefix.ACCOUNT),
            batch_id=new_id(Prefix.BATCH),
            project_commissioning_id=new_id(Prefix.BATCH),
            identity="SN-0",
            link=1,
            id_tag="04A2B3C4",
        )
        answer = await installer.call(method, filled, body)
        if (method, path) in KEPT:
            assert answer.status_code in {200, 409}, (method, path, answer.text)
            assert "project_handed_over" not in answer.text
            continue
        assert answer.status_code in {403, 409}, (method, path, answer.text)
        refused = problem(answer, answer.status_code, "project_handed_over")
        if answer.status_code == 403:
            assert OWNER in refused["detail"]
        assert method != "GET" or answer.status_code == 403, path


async def test_the_summary_shows_what_is_active(
    installer: Caller, site: tuple[str, str, Caller]
) -> None:
    shown = (await installer.get(f"/projects/{site[0]}")).json()
    assert shown["status"] == "handed_over"
    assert [one["feature"] for one in shown["features"]] == list(Feature)
    items = (await installer.get("/charge-points")).json()["items"]
    assert items == []


async def test_a_stranger_learns_nothing(stranger: Caller, site: tuple[str, str, Caller]) -> None:
    project, charge_point, _ = site
    for path in (
        PROJECT.format(project_id=project),
        CHARGE_POINT.format(charge_point_id=charge_point),
    ):
        assert (await stranger.call("GET", path)).status_code == 404


async def test_the_owner_sees_the_site(site: tuple[str, str, Caller]) -> None:
    project, charge_point, owner = site
    base = f"{V1}/site-owner/projects/{project}"
    shown = (await owner.call("GET", base)).json()
    assert shown["charge_points"] == {"commissioned": 1}
    assert [one["feature"] for one in shown["features"]] == list(Feature)
    items = (await owner.call("GET", f"{base}/charge-points")).json()["items"]
    assert [item["id"] for item in items] == [charge_point]
    detail = (await owner.call("GET", f"{base}/charge-points/{charge_point}")).json()
    assert detail["connection"]["connected"] is False
    runs = await owner.call("GET", f"{base}/charge-points/{charge_point}/runs")
    assert runs.json()["items"] == []
    unknown = new_id(Prefix.COMMISSIONING)
    answer = await owner.call("GET", f"{base}/charge-points/{charge_point}/runs/{unknown}")
    problem(answer, 404, "run_not_found")
