"""Checklists, and the company that did the work: declared and printed; what a handover asks."""

from typing import Any

import pytest

from storage.engine import Database
from tests.api.callers import Caller, fields, problem
from tests.api.conftest import Own
from tests.api.test_audit import trail
from tests.api.verdicts import judge
from tests.documents.reading import texts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GENERIC = {"checklist": "generic-1"}
REQUIRED = ("enclosure", "isolation", "residual_current")


def answers(*items: str, answer: str | None = "compliant", **more: str) -> dict[str, Any]:
    return {"answers": [{"item": item, "answer": answer, **more} for item in items]}


async def choose(caller: Caller, project: str) -> None:
    answer = await caller.put(f"/projects/{project}/checklist", GENERIC)
    assert answer.status_code == 200, answer.text


async def say(caller: Caller, charge_point: str, said: dict[str, Any]) -> dict[str, Any]:
    answer = await caller.patch(f"/charge-points/{charge_point}/checklist", said)
    assert answer.status_code == 200, answer.text
    return {item["id"]: item for item in answer.json()["items"]}


async def test_anonymous(anonymous: Caller) -> None:
    problem(await anonymous.get("/checklists"), 401, "token_missing")
    problem(await anonymous.put("/projects/prj_x/contractor", {}), 401, "token_missing")


async def test_one_is_chosen_of_those_that_are_listed(installer: Caller) -> None:
    (generic,) = (await installer.get("/checklists")).json()["items"]
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    path = f"/projects/{project}/checklist"
    nothing: dict[str, Any] = {"checklist": None, "by": None, "at": None, "charge_points": []}
    assert (await installer.get(path)).json() == nothing
    shown = (await installer.put(path, {"checklist": generic["id"]})).json()
    assert shown["checklist"] == generic
    assert shown["by"] == installer.email
    assert shown["charge_points"] == [
        {
            "charge_point_id": charge_point,
            "not_answered": [item["id"] for item in generic["items"]],
            "not_compliant": [],
        }
    ]
    assert (await installer.get(path)).json() == shown
    assert (await installer.put(path, GENERIC)).json() == shown  # who chose it first stays
    wrong = problem(await installer.put(path, {"checklist": "x-1"}), 422, "invalid_input")
    assert fields(wrong) == {"checklist"}
    assert "must be one of generic-1" in wrong["detail"]
    assert (await installer.put(path, {"checklist": None})).json() == nothing


async def test_without_a_checklist_one_is_chosen_first(installer: Caller) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    path = f"/charge-points/{charge_point}/checklist"
    assert (await installer.get(path)).json() == {"checklist": None, "title": None, "items": []}
    refused = problem(await installer.patch(path, answers("enclosure")), 409, "no_checklist")
    assert f"PUT …/installer/projects/{project}/checklist" in refused["detail"]
    await choose(installer, project)
    await say(installer, charge_point, answers("enclosure"))


async def test_answers_stay_until_they_are_given_anew(installer: Caller) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await choose(installer, project)
    first = await say(installer, charge_point, answers("enclosure", "place"))
    assert first["enclosure"]["answer"] == "compliant"
    assert first["enclosure"]["by"] == installer.email
    assert first["labels"] | {"text": ""} == {
        "id": "labels",
        "text": "",
        "required": False,
        "source": None,
        "answer": None,
        "remark": None,
        "by": None,
        "at": None,
    }
    told = len(await trail(installer, project))
    assert await say(installer, charge_point, answers("enclosure")) == first
    assert len(await trail(installer, project)) == told  # nothing was changed
    why = answers("place", answer="not_compliant", remark="Cable across the path.")
    second = await say(installer, charge_point, why)
    assert second["enclosure"] == first["enclosure"]
    assert second["place"]["remark"] == "Cable across the path."
    third = await say(installer, charge_point, answers("place", answer=None))
    assert third["place"]["answer"] is None
    # Another choice, and back: nothing that was said is lost.
    await installer.put(f"/projects/{project}/checklist", {"checklist": None})
    await choose(installer, project)
    kept = (await installer.get(f"/charge-points/{charge_point}/checklist")).json()["items"]
    assert {item["id"]: item for item in kept} == third


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"answers": []}, "answers"),
        (answers("enclosure", "enclosure"), "answers"),
        (answers("enclosure", "roof"), "answers.1.item"),
        (answers("enclosure", answer="fine"), "answers.0.answer"),
        (answers("enclosure", answer="not_compliant"), "answers.0.remark"),
        (answers("enclosure", answer=None, remark="Why"), "answers.0.remark"),
        (answers("enclosure", remark="a\nb"), "answers.0.remark"),
        (answers("enclosure", remark="x" * 501), "answers.0.remark"),
        ({"answers": [{"item": "enclosure"}]}, "answers.0.answer"),
    ],
)
async def test_what_cannot_be_is_refused(
    installer: Caller, said: dict[str, Any], field: str
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await choose(installer, project)
    answer = await installer.patch(f"/charge-points/{charge_point}/checklist", said)
    assert fields(problem(answer, 422, "invalid_input")) == {field}


async def test_the_handover_waits_for_required_items_alone(
    installer: Caller, owner: Own, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await judge(database, charge_point, project)
    await owner("facilities@riversidebp.com", project)

    async def stands() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        shown = (await installer.get(f"/projects/{project}/handover")).json()
        caution = [one for one in shown["warnings"] if one["code"] == "not_compliant"]
        return shown["blockers"], caution

    assert await stands() == ([], [])  # no checklist, no word of it
    await choose(installer, project)
    (blocker,), caution = await stands()
    assert caution == []
    assert (blocker["code"], blocker["charge_point_id"]) == ("checklist_open", charge_point)
    for item in REQUIRED:
        assert f"{item} (not answered)" in blocker["detail"]
    assert "labels" not in blocker["detail"]
    wrong = answers("isolation", answer="not_compliant", remark="No lock on the switch.")
    await say(installer, charge_point, wrong)
    await say(installer, charge_point, answers("enclosure"))
    await say(installer, charge_point, answers("residual_current", answer="not_applicable"))
    wrong = answers("display", answer="not_compliant", remark="Blinded at noon.")
    await say(installer, charge_point, wrong)
    (blocker,), (warned,) = await stands()
    assert "items that are open: isolation (No lock on the switch). Put" in blocker["detail"]
    assert "display (Blinded at noon)" in warned["detail"]
    # As it advises:
    call = f"PATCH …/installer/charge-points/{charge_point}/checklist"
    assert call in blocker["detail"]
    assert call in warned["detail"]
    await say(installer, charge_point, answers("isolation"))
    blockers, (still,) = await stands()
    assert (blockers, still) == ([], warned)
    await say(installer, charge_point, answers("display"))
    assert await stands() == ([], [])


async def test_both_stand_on_the_certificate(installer: Caller, database: Database) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await judge(database, charge_point, project)
    path, company = f"/commissioning/{charge_point}/report", f"/projects/{project}/contractor"
    before = await installer.get(path)
    assert "Checklist" not in "".join(texts(before.content))
    account = (await installer.get(company)).json()
    assert account["by"] is None
    assert f"Installer: {account['company']}" in texts(before.content)[0]

    await choose(installer, project)
    await say(installer, charge_point, answers("enclosure"))
    declared = {"company": "Volt & Sons Ltd", "address": "4 Forge Lane", "registration": "no. 1"}
    shown = (await installer.put(company, declared)).json()
    assert shown.items() >= declared.items()
    assert shown["by"] == installer.email
    assert (await installer.put(company, declared)).json() == shown
    assert (await installer.get(company)).json() == shown
    after = await installer.get(path)
    assert after.headers["x-certificate-number"] == "2"
    said = "".join(texts(after.content))
    for one in ("Installer: Volt & Sons Ltd", "4 Forge Lane", "no. 1", "Checklist", "not answered"):
        assert one in said
    page = (await installer.get(path, params={"format": "html"})).text
    assert "Checklist, declared by the installer" in page
    again = await installer.get(path)
    assert again.headers["x-certificate-number"] == "2"
    # Put right before the handover.
    nobody = problem(
        await installer.put(company, {"company": None, "address": "x"}), 422, "invalid_input"
    )
    assert fields(nobody) == {"company"}
    assert (await installer.put(company, {"company": None})).json() == account


async def test_the_company_stands_on_the_cover(installer: Caller, database: Database) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await judge(database, charge_point, project)
    await installer.put(f"/projects/{project}/contractor", {"company": "Volt & Sons Ltd"})
    cover = texts((await installer.get(f"/projects/{project}/report")).content)[0]
    assert "Volt & Sons Ltd (declared)" in cover
