"""Which local lists are due, and which id tags they get first."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from domain.offline import HeldList, ListState, LocalListUpdated
from domain.states import ChargePointStatus, OfflineAccess, ProjectStatus, Role
from storage.access import Access
from storage.engine import Database
from storage.local_lists import QUIET, doubt_list, due_lists, keep_list, read_lists, read_wanted
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection, Node
from storage.models.facts import Boot
from storage.models.projects import Project
from storage.models.transactions import Transaction
from tests.support.rows import one_charge_point

NOW = datetime.now(UTC)
LATER = NOW + QUIET + timedelta(seconds=1)


@pytest.fixture
async def site(database: Database) -> Database:
    """One charge point of a site that was handed over; its socket is on a node that lives."""
    await one_charge_point(database)
    async with database.write() as connection:
        await connection.execute(
            update(Project).values(status=ProjectStatus.HANDED_OVER, handed_over_at=NOW)
        )
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))
        await connection.execute(
            insert(Node).values(id="node_1", started_at=NOW, seen_at=NOW + timedelta(hours=1))
        )
        await connection.execute(
            insert(ChargePointConnection).values(
                charge_point_id="cp_1",
                node_id="node_1",
                generation=1,
                ocpp_version="1.6",
                connected_at=NOW,
            )
        )
    return database


async def due(database: Database, *, at: datetime = LATER) -> list[str]:
    async with database.read() as connection:
        return list(await due_lists(connection, now=at, after="", limit=10))


async def looked_at(
    database: Database, *, state: ListState = ListState.KEPT, generation: int = 1
) -> None:
    async with database.write() as connection:
        wanted = await read_wanted(connection, "cp_1")
        assert wanted is not None
        found = HeldList(
            list=LocalListUpdated(state=state, version=1), keys={}, checked_at=datetime.now(UTC)
        )
        await keep_list(connection, "cp_1", found, wanted, generation=generation)


async def changed(database: Database, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(**values))


async def put(database: Database, *id_tags: str, at: datetime = NOW) -> None:
    async with database.write() as connection:
        for one in id_tags:
            await Access(connection, "prj_1").put(one, label=None, at=at, by=Role.SITE_OWNER)


async def test_due_once_and_with_each_change(site: Database) -> None:
    assert await due(site) == ["cp_1"]
    await looked_at(site)
    assert await due(site) == []
    await put(site, "AB12")
    assert await due(site) == ["cp_1"]
    await looked_at(site)
    await put(site, "AB12")  # it is listed already
    assert await due(site) == []


async def test_many_changes_are_told_as_one(site: Database) -> None:
    await looked_at(site)
    await put(site, "AB12", at=LATER)
    assert await due(site, at=LATER) == []
    await put(site, "CD34", at=LATER + QUIET / 2)
    assert await due(site, at=LATER + QUIET) == []
    assert await due(site, at=LATER + 2 * QUIET) == ["cp_1"]
    # Whoever never pauses is heard all the same.
    much_later = datetime.now(UTC) + timedelta(minutes=3)
    await put(site, "EF56", at=much_later)
    assert await due(site, at=much_later) == ["cp_1"]


async def test_due_with_a_new_connection_and_with_a_boot(site: Database) -> None:
    await looked_at(site)
    async with site.write() as connection:
        await connection.execute(update(ChargePointConnection).values(generation=2))
    assert await due(site) == ["cp_1"]
    await looked_at(site, generation=2)
    async with site.write() as connection:
        await connection.execute(
            insert(Boot).values(
                id="evt_1",
                charge_point_id="cp_1",
                at=NOW,
                vendor="",
                model="",
                registration="Accepted",
                warnings=[],
                payload={},
            )
        )
    assert await due(site) == ["cp_1"]
    await looked_at(site, generation=2)
    assert await due(site) == []


async def test_a_link_that_broke_at_it_twice_is_left_alone_until_something_changes(
    site: Database,
) -> None:
    for generation in (1, 2):
        assert await due(site) == ["cp_1"]
        await looked_at(site, state=ListState.BROKE_OFF, generation=generation)
        async with site.write() as connection:
            await connection.execute(
                update(ChargePointConnection).values(generation=generation + 1)
            )
    assert await due(site) == []
    await put(site, "AB12")
    assert await due(site) == ["cp_1"]


@pytest.mark.parametrize(
    "values", [{"watched_by": "commissioning-cp_1"}, {"withdrawn_at": NOW}], ids=["run", "left"]
)
async def test_not_due_while_a_run_has_it_and_once_it_is_withdrawn(
    site: Database, values: dict[str, object]
) -> None:
    await changed(site, **values)
    assert await due(site) == []
    async with site.read() as connection:
        assert await read_wanted(connection, "cp_1") is None


async def test_one_that_is_not_in_use_gets_none_and_loses_what_it_had(site: Database) -> None:
    await put(site, "AB12")
    await changed(site, status=ChargePointStatus.REGISTERED)
    assert await due(site) == []
    await changed(site, status=ChargePointStatus.COMMISSIONED)
    assert await due(site) == ["cp_1"]
    await looked_at(site)
    await changed(site, status=ChargePointStatus.REGISTERED)
    for in_use, status in ((False, None), (True, ChargePointStatus.COMMISSIONED)):
        if status is not None:
            await changed(site, status=status)
        assert await due(site) == ["cp_1"]
        async with site.read() as connection:
            wanted = await read_wanted(connection, "cp_1")
        assert wanted is not None
        assert list(wanted.id_tags) == (["AB12"] if in_use else [])
        assert not wanted.is_current
        await looked_at(site)
        assert await due(site) == []


async def test_what_a_run_has_had_is_sent_anew(site: Database) -> None:
    await looked_at(site)
    async with site.write() as connection:
        await doubt_list(connection, "cp_1")
        wanted = await read_wanted(connection, "cp_1")
    assert wanted is not None
    assert wanted.before.version is None
    assert await due(site) == ["cp_1"]


async def test_not_due_before_the_handover_and_where_it_is_offline(site: Database) -> None:
    async with site.write() as connection:
        await connection.execute(update(ChargePointConnection).values(disconnected_at=NOW))
    assert await due(site) == []
    async with site.write() as connection:
        await connection.execute(update(ChargePointConnection).values(disconnected_at=None))
        await connection.execute(update(Project).values(status=ProjectStatus.IN_PROGRESS))
    assert await due(site) == []


async def test_who_charged_last_comes_first(site: Database) -> None:
    await put(site, "A1", "B2", "C3", "D4")
    async with site.write() as connection:
        for number, id_tag in enumerate((" c3", "B2", "C3"), start=1):
            await connection.execute(
                insert(Transaction).values(
                    ocpp_id=str(number),
                    charge_point_id="cp_1",
                    evse_id=1,
                    id_tag=id_tag,
                    started_at=NOW + timedelta(minutes=number),
                    meter_start=0,
                    received_at=NOW,
                )
            )
    async with site.read() as connection:
        wanted = await read_wanted(connection, "cp_1")
    assert wanted is not None
    assert wanted.id_tags == ["C3", "B2", "A1", "D4"]


async def test_nobody_is_an_empty_list(site: Database) -> None:
    await put(site, "AB12")
    async with site.write() as connection:
        mode, _ = await Access(connection, "prj_1").mode()
        await Access(connection, "prj_1").set_mode(
            mode, by=Role.SITE_OWNER, at=NOW, offline=OfflineAccess.NOBODY
        )
        wanted = await read_wanted(connection, "cp_1")
    assert wanted is not None
    assert wanted.id_tags == ()
    assert set(wanted.settings.values()) == {False}


async def test_what_is_known_is_read_with_whether_it_is_up_to_date(site: Database) -> None:
    await looked_at(site)
    async with site.read() as connection:
        [(_, held, is_current, _)] = await read_lists(connection, "prj_1")
    assert held is not None
    assert is_current
    await put(site, "AB12")
    async with site.read() as connection:
        [(_, _, is_current, _)] = await read_lists(connection, "prj_1")
    assert not is_current
