"""Two links that speak as one charge point: shown, and decided with one call."""

import pytest

from domain.contests import how_to_decide, why_refused
from domain.ids import Prefix, new_id
from storage.engine import Database
from tests.api.callers import V1, Caller, problem
from tests.api.conftest import Own
from tests.api.node import contest, hold
from tests.api.verdicts import judge
from tests.api.visits import handed_over
from tests.support.eventually import eventually

pytestmark = pytest.mark.usefixtures("engine")
CAUSE = (
    "2 links speak as this charge point, from 203.0.113.7 and 198.51.100.9. Most likely a second "
    "charge point was given its OCPP endpoint: give each its own. Or somebody else knows the "
    "endpoint."
)


async def contested(installer: Caller, database: Database, project: str | None = None) -> str:
    """Register a charge point that two links speak as; returns its id."""
    charge_point = await installer.charge_point(project)
    await hold(database, charge_point, new_id(Prefix.NODE))
    await contest(database, charge_point)
    return charge_point


async def test_it_is_shown_and_ended_with_one_call(installer: Caller, database: Database) -> None:
    project = await installer.project()
    charge_point = await contested(installer, database, project)
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    assert shown["connected"] is False
    assert shown["contest"]["likely_cause"] == CAUSE
    assert [
        (link["link"], link["remote_address"], link["connected"])
        for link in shown["contest"]["links"]
    ] == [(1, "203.0.113.7", True), (2, "198.51.100.9", True)]
    keep = f"/charge-points/{charge_point}/links"
    problem(await installer.post(f"{keep}/9/keep"), 404, "link_not_found")
    first, again = [(await installer.post(f"{keep}/1/keep")).json() for _ in range(2)]
    assert first == again
    assert first["remote_address"] == "203.0.113.7"
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    assert (shown["connected"], shown["contest"]) == (True, None)
    problem(await installer.post(f"{keep}/2/keep"), 409, "not_contested")
    trail = (await installer.get(f"/projects/{project}/audit")).json()["items"]
    (told,) = [one for one in trail if one["action"] == "charge_point.link_kept"]
    assert told["target"] == charge_point
    assert told["before"] == {"links": ["203.0.113.7", "198.51.100.9"]}
    assert told["after"] == {"link": 1, "remote_address": "203.0.113.7"}


async def test_all_are_closed_with_one_call(installer: Caller, database: Database) -> None:
    project = await installer.project()
    charge_point = await contested(installer, database, project)
    links = f"/charge-points/{charge_point}/links"
    ended = (await installer.post(f"{links}/disconnect")).json()
    assert ended["remote_addresses"] == ["203.0.113.7", "198.51.100.9"]
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    assert (shown["connected"], shown["contest"]) == (False, None)
    said = problem(await installer.post(f"{links}/disconnect"), 409, "not_contested")
    assert said["detail"].startswith("No two links speak as this charge point now, and none")
    problem(await installer.post(f"{links}/1/keep"), 409, "not_contested")
    trail = (await installer.get(f"/projects/{project}/audit")).json()["items"]
    (told,) = [one for one in trail if one["action"] == "charge_point.links_disconnected"]
    assert told["target"] == charge_point
    assert told["before"] == {"links": ["203.0.113.7", "198.51.100.9"]}
    await contest(database, charge_point)  # nobody is there whom it could meet
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    assert (shown["connected"], shown["contest"]) == (True, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_sentence_of_a_refusal_names_the_call_that_ends_it(
    installer: Caller, database: Database
) -> None:
    charge_point = await contested(installer, database)
    await installer.post(f"/charge-points/{charge_point}/links/2/keep")
    path = f"/charge-points/{charge_point}/links/disconnect"
    assert f"POST …{path} closes the other" in why_refused(charge_point)
    assert (await installer.post(path)).json()["remote_addresses"] == ["198.51.100.9"]
    await contest(database, charge_point)  # the address that was kept is one like any other
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    assert shown["connected"] is True
    assert how_to_decide(charge_point).endswith(f"POST …{path} closes them all.")


async def test_a_run_waits_and_says_why(installer: Caller, database: Database) -> None:
    charge_point = await contested(installer, database)
    await installer.post(f"/commissioning/{charge_point}/start")

    async def waits() -> None:
        status = (await installer.get(f"/commissioning/{charge_point}/status")).json()
        assert status["waiting_for"] == "installer"
        assert f"POST …/charge-points/{charge_point}/links/" in status["waiting"]["prompt"]
        assert status["waiting"]["likely_cause"] == CAUSE

    await eventually(waits)
    await installer.post(f"/commissioning/{charge_point}/cancel")
    tested = (await installer.post(f"/charge-points/{charge_point}/test-connection")).json()
    assert tested["connected"] is False
    assert f"POST …/charge-points/{charge_point}/links/2/keep (from 198" in tested["reason"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_certificate_and_no_handover_until_one_is_kept(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    charge_point = await contested(installer, database, project)
    await judge(database, charge_point, project)
    report = f"/commissioning/{charge_point}/report"
    said = problem(await installer.get(report), 409, "contested")
    assert f"POST …/charge-points/{charge_point}/links/1/keep (from 203.0.113.7)" in said["detail"]
    path = f"/projects/{project}/handover"
    blockers = (await installer.get(path)).json()["blockers"]
    assert "contested" in [one["code"] for one in blockers]
    answer = await installer.post(f"/charge-points/{charge_point}/links/1/keep")
    assert answer.status_code == 200
    assert (await installer.get(report)).status_code == 200
    blockers = (await installer.get(path)).json()["blockers"]
    assert "contested" not in [one["code"] for one in blockers]


async def test_from_the_handover_on_the_owner_decides(
    installer: Caller, owner: Own, database: Database
) -> None:
    site = await handed_over(installer, owner, database, bays=1)
    (charge_point,) = site.bays
    await hold(database, charge_point, new_id(Prefix.NODE))
    await contest(database, charge_point)
    answer = await installer.post(f"/charge-points/{charge_point}/links/2/keep")
    problem(answer, 409, "project_handed_over")
    path = f"{V1}/site-owner/projects/{site.project}/charge-points/{charge_point}"
    shown = (await site.owner.call("GET", path)).json()["connection"]["contest"]
    assert shown["likely_cause"] == CAUSE
    answer = await site.owner.call("POST", f"{path}/links/2/keep")
    assert answer.json()["remote_address"] == "198.51.100.9"
    answer = await installer.post(f"/charge-points/{charge_point}/links/disconnect")
    problem(answer, 409, "project_handed_over")
    answer = await site.owner.call("POST", f"{path}/links/disconnect")
    assert answer.json()["remote_addresses"] == ["198.51.100.9"]


async def test_until_the_handover_the_installer_decides(
    installer: Caller, owner: Own, database: Database
) -> None:
    project = await installer.project()
    charge_point = await contested(installer, database, project)
    of_site = await owner("facilities@riversidebp.com", project)
    path = f"{V1}/site-owner/projects/{project}/charge-points/{charge_point}/links"
    for call in ("2/keep", "disconnect"):
        problem(await of_site.call("POST", f"{path}/{call}"), 409, "project_not_handed_over")
