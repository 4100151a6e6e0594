from typing import Any

import pytest

from tests.api.callers import Caller, fields, problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BODY = {
    "name": "Riverside Business Park",
    "address": "12 Riverside Way, Bristol, BS1 4AA",
    "site_owner_email": "Facilities@RiversideBP.com",
}


class TestCreate:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/projects", BODY), 401, "token_missing")
        problem(await anonymous.post("/projects", {}), 401, "token_missing")

    async def test_starts_in_progress(self, installer: Caller) -> None:
        answer = await installer.post("/projects", BODY)
        assert answer.status_code == 201
        assert answer.json()["status"] == "in_progress"
        assert answer.json()["id"].startswith("prj_")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": None}, "name"),
            ({"address": "x" * 501}, "address"),
            ({"site_owner_email": "none"}, "site_owner_email"),
            ({"colour": "red"}, "colour"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, installer: Caller, change: dict[str, Any], field: str
    ) -> None:
        document = problem(await installer.post("/projects", BODY | change), 422, "invalid_input")
        assert fields(document) == {field}


class TestShow:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/projects/prj_x"), 401, "token_missing")

    async def test_with_its_charge_points_counted(self, installer: Caller) -> None:
        project = await installer.project()
        await installer.charge_point(project)
        shown = (await installer.get(f"/projects/{project}")).json()
        assert shown["charge_points"] == {"registered": 1}
        assert shown["site_owner_accepted"] is False
        assert shown["handed_over_at"] is None


class TestChange:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.patch("/projects/prj_x", {}), 401, "token_missing")

    async def test_what_is_left_out_stays(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.patch(f"/projects/{project}", {"name": "Phase 2"})
        assert answer.status_code == 200
        assert answer.json()["name"] == "Phase 2"
        assert answer.json()["address"] == BODY["address"]
        assert (await installer.patch(f"/projects/{project}", {})).json()["name"] == "Phase 2"

    async def test_null_is_no_value(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.patch(f"/projects/{project}", {"name": None})
        problem(answer, 422, "invalid_input")


class TestList:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/projects"), 401, "token_missing")

    async def test_pages_newest_first_without_gap_or_repeat(self, installer: Caller) -> None:
        made = [await installer.project(name=f"Project {number}") for number in range(5)]
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = (
                await installer.get(
                    "/projects", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
                )
            ).json()
            assert len(page["items"]) <= 2
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        # Ids of one millisecond have no order among them.
        assert sorted(seen) == sorted(made)
        assert seen == sorted(seen, reverse=True)

    async def test_by_status(self, installer: Caller) -> None:
        project = await installer.project()
        for status, expected in (("in_progress", [project]), ("handed_over", [])):
            page = (await installer.get("/projects", params={"status": status})).json()
            assert [item["id"] for item in page["items"]] == expected

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 201},
            {"limit": "x"},
            {"status": "lost"},
            {"cursor": "!"},
            {"cursor": "cHJq"},
            {"cursor": "é"},
            {"cursor": "x" * 300},
        ],
    )
    async def test_a_wrong_query_is_named(self, installer: Caller, query: dict[str, Any]) -> None:
        answer = await installer.get("/projects", params=query)
        assert answer.status_code == 422
        assert fields(answer.json()) == set(query)
