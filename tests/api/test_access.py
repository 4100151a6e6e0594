"""Who may charge at a site: the owner's list, or everybody, from the handover on."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from api.deps import now
from domain.states import ChargePointStatus, ProjectStatus
from storage.access import admitted
from storage.engine import Database
from storage.fact_records import Authorization, TransactionStart
from storage.invitation_ends import forget_choices
from storage.models.charge_points import AwaitedTag, ChargePoint
from storage.models.transactions import Transaction
from storage.projects import Projects
from storage.store_facts import store_facts
from tests.api.callers import V1, Caller, problem
from tests.api.conftest import Own

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TAG = "04A2B3C4"


def shown(mode: str, id_tags: int, offline: str = "listed") -> dict[str, object]:
    return {"mode": mode, "id_tags": id_tags, "offline": offline}


class Site:
    """A project of an owner, with one charge point."""

    def __init__(self, owner: Caller, database: Database, project: str, charge_point: str) -> None:
        self._owner = owner
        self._database = database
        self.path = f"/api/v1/site-owner/projects/{project}"
        self.project = project
        self.charge_point = charge_point

    async def call(self, method: str, path: str, body: object = None) -> object:
        answer = await self._owner.call(method, f"{self.path}{path}", body)
        assert answer.status_code in {200, 202, 204}, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: object, status: int, code: str) -> None:
        problem(await self._owner.call(method, f"{self.path}{path}", body), status, code)

    async def hand_over(self) -> None:
        async with self._database.write() as connection:
            change = {"status": ProjectStatus.HANDED_OVER}
            await Projects(connection).change(self.project, change)
            await connection.execute(
                update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED)
            )

    async def admits(self, id_tag: str) -> bool:
        async with self._database.read() as connection:
            pair = self.charge_point, id_tag
            return await admitted(connection, [pair]) == {pair}


@pytest.fixture
async def site(installer: Caller, owner: Own, database: Database) -> Site:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    facilities = await owner("facilities@riversidebp.com", project)
    return Site(facilities, database, project, charge_point)


async def test_nobody_charges_until_the_owner_says_so(site: Site) -> None:
    assert await site.call("GET", "/access") == shown("listed", 0)
    await site.hand_over()
    assert not await site.admits(TAG)


async def test_a_listed_tag_charges_from_the_handover_on(site: Site) -> None:
    tag = await site.call("PUT", f"/id-tags/{TAG}", {"label": "Van 3"})
    assert isinstance(tag, dict)
    assert (tag["id_tag"], tag["label"]) == (TAG, "Van 3")
    assert not await site.admits(TAG)
    await site.hand_over()
    assert await site.admits(TAG)
    assert await site.admits(f" {TAG.lower()} ")
    assert not await site.admits("04A2B3C5")
    await site.call("DELETE", f"/id-tags/{TAG.lower()}")
    assert not await site.admits(TAG)
    await site.refused("DELETE", f"/id-tags/{TAG}", None, 404, "id_tag_not_found")


async def test_an_open_site_charges_everybody_and_keeps_its_list(site: Site) -> None:
    await site.call("PUT", f"/id-tags/{TAG}")
    assert await site.call("PUT", "/access", {"mode": "open"}) == shown("open", 1)
    assert not await site.admits("ANYBODY")
    await site.hand_over()
    assert await site.admits("ANYBODY")
    await site.call("PUT", "/access", {"mode": "listed"})
    assert await site.admits(TAG)
    assert not await site.admits("ANYBODY")


async def test_whom_it_charges_for_while_the_engine_is_away(site: Site) -> None:
    everybody = {"mode": "open", "offline": "everybody"}
    assert await site.call("PUT", "/access", everybody) == shown("open", 0, "everybody")
    assert await site.call("PUT", "/access", {"mode": "open"}) == shown("open", 0, "everybody")
    # No more are admitted offline than online.
    assert await site.call("PUT", "/access", {"mode": "listed"}) == shown("listed", 0)
    nobody = {"mode": "listed", "offline": "nobody"}
    assert await site.call("PUT", "/access", nobody) == shown("listed", 0, "nobody")
    wrong = {"mode": "listed", "offline": "everybody"}
    await site.refused("PUT", "/access", wrong, 422, "invalid_input")


async def test_the_same_tag_in_other_case_is_one_entry(site: Site) -> None:
    await site.call("PUT", f"/id-tags/{TAG}", {"label": "Van 3"})
    again = await site.call("PUT", f"/id-tags/{TAG.lower()}", {"label": "Van 4"})
    assert isinstance(again, dict)
    assert (again["id_tag"], again["label"]) == (TAG, "Van 4")
    assert await site.call("GET", "/access") == shown("listed", 1)


async def test_the_list_comes_in_pages(site: Site) -> None:
    tags = [f"TAG{number}" for number in range(5)]
    for tag in reversed(tags):
        await site.call("PUT", f"/id-tags/{tag}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = await site.call("GET", f"/id-tags?limit=2{cursor}")
        assert isinstance(page, dict)
        seen += [item["id_tag"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == tags


async def test_a_session_of_a_listed_tag_is_no_test_charge(site: Site, database: Database) -> None:
    await site.call("PUT", f"/id-tags/{TAG}")
    await site.hand_over()
    card = Authorization(charge_point_id=site.charge_point, id_tag=TAG.lower())
    start = TransactionStart(
        charge_point_id=site.charge_point,
        connector_id=1,
        id_tag=TAG,
        started_at=now(),
        meter_start=0,
        received_at=now(),
    )
    async with database.write() as connection:
        await store_facts(connection, [card, start])
        row = (await connection.execute(select(Transaction.__table__))).one()
    assert card.accepted
    assert start.accepted
    assert (row.id_tag, row.commissioning_id) == (TAG, None)


@pytest.mark.parametrize("id_tag", ["X" * 21, "%C3%A9", "%20A", "A%0A"])
async def test_what_no_charge_point_can_send_is_refused(site: Site, id_tag: str) -> None:
    await site.refused("PUT", f"/id-tags/{id_tag}", None, 422, "invalid_input")


class TestInstaller:
    """Before the handover the installer may choose, where the owner has not."""

    async def test_anonymous(self, anonymous: Caller) -> None:
        for method, path in (
            ("GET", "access"),
            ("PUT", "access"),
            ("GET", "id-tags"),
            ("PUT", f"id-tags/{TAG}"),
            ("DELETE", f"id-tags/{TAG}"),
        ):
            answer = await anonymous.call(method, f"{V1}/installer/projects/prj_x/{path}", {})
            problem(answer, 401, "token_missing")

    async def test_what_it_chooses_counts_from_the_handover_on(
        self, installer: Caller, site: Site
    ) -> None:
        path = f"/projects/{site.project}"
        tag = await installer.put(f"{path}/id-tags/{TAG}", {"label": "Van 3"})
        assert (tag.status_code, tag.json()["label"]) == (200, "Van 3")
        listed = (await installer.get(f"{path}/id-tags")).json()
        assert [one["id_tag"] for one in listed["items"]] == [TAG]
        assert (await installer.get(f"{path}/access")).json() == shown("listed", 1)
        assert not await site.admits(TAG)
        await site.hand_over()
        assert await site.admits(TAG)
        for write in (
            await installer.put(f"{path}/access", {"mode": "open"}),
            await installer.put(f"{path}/id-tags/{TAG}X"),
            await installer.delete(f"{path}/id-tags/{TAG}"),
        ):
            problem(write, 409, "project_handed_over")

    async def test_what_the_owner_has_chosen_stays(self, installer: Caller, site: Site) -> None:
        path = f"/projects/{site.project}"
        assert (await installer.put(f"{path}/access", {"mode": "open"})).status_code == 200
        await site.call("PUT", "/access", {"mode": "listed"})
        await site.call("PUT", f"/id-tags/{TAG}", {"label": "Ours"})
        for write in (
            await installer.put(f"{path}/access", {"mode": "open"}),
            await installer.put(f"{path}/id-tags/{TAG}", {"label": "Theirs"}),
            await installer.delete(f"{path}/id-tags/{TAG}"),
        ):
            problem(write, 409, "owner_has_chosen")
        assert (await installer.get(f"{path}/id-tags")).json()["items"] == []
        assert await site.call("GET", "/access") == shown("listed", 1)

    async def test_an_owner_who_leaves_takes_their_own_choice_alone(
        self, installer: Caller, site: Site, database: Database
    ) -> None:
        path = f"/projects/{site.project}"
        await installer.put(f"{path}/id-tags/{TAG}")
        await installer.put(f"{path}/access", {"mode": "open"})
        await site.call("PUT", "/id-tags/0000AAAA")
        async with database.write() as connection:
            await forget_choices(connection, site.project)
        assert (await installer.get(f"{path}/access")).json() == shown("open", 1)


class TestPresenting:
    """The next unknown card at a charge point is listed."""

    async def _authorize(self, site: Site, database: Database, id_tag: str) -> bool:
        asked = Authorization(charge_point_id=site.charge_point, id_tag=id_tag)
        async with database.write() as connection:
            await store_facts(connection, [asked])
        return asked.accepted

    async def test_one_card_once(self, site: Site, database: Database) -> None:
        path = f"/charge-points/{site.charge_point}/awaited-id-tag"
        body = {"label": "Van 3", "seconds": 60}
        await site.refused("POST", path, body, 409, "project_not_handed_over")
        await site.hand_over()
        await site.call("PUT", "/id-tags/0000AAAA")
        await site.refused("GET", path, None, 404, "no_id_tag_awaited")
        assert not await self._authorize(site, database, TAG)
        await site.call("POST", path, body)
        assert await self._authorize(site, database, "0000AAAA")  # it may charge already
        shown = await site.call("GET", path)
        assert isinstance(shown, dict)
        assert shown["id_tag"] is None
        assert await self._authorize(site, database, TAG)
        assert not await self._authorize(site, database, "FFFF0000")  # it was one card
        assert await site.admits(TAG)
        shown = await site.call("GET", path)
        assert isinstance(shown, dict)
        assert shown["id_tag"] == TAG
        listed = await site.call("GET", "/id-tags")
        assert isinstance(listed, dict)
        assert {one["id_tag"]: one["label"] for one in listed["items"]} == {
            "0000AAAA": None,
            TAG: "Van 3",
        }
        trail = await site.call("GET", "/audit")
        assert isinstance(trail, dict)
        put = next(one for one in trail["items"] if one["target"] == TAG)
        assert put["after"] == {"label": "Van 3", "presented_at": site.charge_point}
        await site.call("DELETE", path)
        assert await site.admits(TAG)

    async def test_after_the_time_or_from_an_old_start_none_is_taken(
        self, site: Site, database: Database
    ) -> None:
        path = f"/charge-points/{site.charge_point}/awaited-id-tag"
        await site.hand_over()
        await site.call("POST", path)
        old = TransactionStart(
            charge_point_id=site.charge_point,
            connector_id=1,
            id_tag=TAG,
            started_at=now() - timedelta(hours=1),
            meter_start=0,
            received_at=now(),
        )
        async with database.write() as connection:
            await store_facts(connection, [old])
        assert not old.accepted
        async with database.write() as connection:
            await connection.execute(update(AwaitedTag).values(until=now()))
        assert not await self._authorize(site, database, TAG)
        assert not await site.admits(TAG)
