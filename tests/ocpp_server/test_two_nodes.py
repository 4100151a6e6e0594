"""A charge point that is heard by two nodes at once, in each schedule that can go wrong.

It has changed its node; the old one still has frames of the socket that is gone, and knows nothing
of what the new one hears. ``line.peer`` is the new node, ``line.before`` the old one.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from storage import contests, nodes
from storage.connections import store_touched
from storage.engine import Database
from storage.fact_records import Connected, Disconnected, Record, Touched
from storage.store_facts import store_facts
from tests.ocpp_server.bed import seed
from tests.ocpp_server.line import Line, Message, Naming, filed, start, stop, value
from tests.support.eventually import eventually

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
_AT = datetime(2026, 5, 1, 9, tzinfo=UTC)

either_is_first = pytest.mark.parametrize("old_is_first", [True, False], ids=["old", "new"])


@pytest.fixture
async def line(database: Database) -> Line:
    """A charge point that has just changed its node."""
    (charge_point_id,) = await seed(database)
    line = Line(database, charge_point_id, 0)
    await line.connect()
    await line.connect()
    return line


async def waits(database: Database, begun: asyncio.Task[None]) -> None:
    """Return once it is as far as it can be: not let in on SQLite; through, or waits for a row."""

    async def it_does() -> None:
        if not (database.is_sqlite or begun.done()):
            async with database.read() as connection:
                assert await connection.scalar(_WAITING)

    await eventually(it_does)


async def at_once(line: Line, first: Message, second: Message, *, old_is_first: bool) -> None:
    """One node stores ``first``, and before it commits, the other has begun with ``second``."""
    one, other = (line.before, line.peer) if old_is_first else (line.peer, line.before)
    async with line.storing(first, one):
        begun = asyncio.create_task(line.deliver_over(second, other))
        await waits(line.database, begun)
    await begun


async def ended(line: Line) -> list[bool]:
    """Whether each transaction has ended, by connector and time."""
    return [row[4] is not None for row in (await line.rows())[0]]


@either_is_first
async def test_a_value_that_comes_while_its_start_is_stored(
    line: Line, *, old_is_first: bool
) -> None:
    await at_once(line, start(1, 10), value(15), old_is_first=old_is_first)
    assert await filed(line) == [(15, 1)]


@either_is_first
async def test_a_start_that_comes_while_its_value_is_stored(
    line: Line, *, old_is_first: bool
) -> None:
    await at_once(line, value(15), start(1, 10), old_is_first=old_is_first)
    assert await filed(line) == [(15, 1)]


@either_is_first
async def test_a_value_that_comes_while_the_stop_before_it_is_stored(
    line: Line, *, old_is_first: bool
) -> None:
    await line.deliver(start(1, 10))
    await at_once(line, stop(1, 20), value(25), old_is_first=old_is_first)
    assert await filed(line) == [(25, None)]


@either_is_first
async def test_a_stop_that_comes_while_the_value_after_it_is_stored(
    line: Line, *, old_is_first: bool
) -> None:
    await line.deliver(start(1, 10))
    await at_once(line, value(25), stop(1, 20), old_is_first=old_is_first)
    assert await filed(line) == [(25, None)]


@either_is_first
async def test_a_value_that_both_hear_is_there_once(line: Line, *, old_is_first: bool) -> None:
    await line.deliver(start(1, 10))
    await at_once(line, value(15), value(15), old_is_first=old_is_first)
    assert await filed(line) == [(15, 1)]


@either_is_first
async def test_a_stop_that_lost_its_id_and_that_both_hear_ends_one_transaction(
    line: Line, *, old_is_first: bool
) -> None:
    await line.deliver(start(1, 10))
    await line.deliver(start(2, 12, connector=2))
    blind = stop(1, 20, Naming.ZERO)
    await at_once(line, blind, blind, old_is_first=old_is_first)
    assert await ended(line) == [True, False]


@either_is_first
async def test_both_know_of_a_stop_that_both_hear(line: Line, *, old_is_first: bool) -> None:
    await line.deliver(start(1, 10))
    await line.deliver_elsewhere(start(1, 10))
    await at_once(line, stop(1, 20), stop(1, 20), old_is_first=old_is_first)
    assert line.peer.transactions[str(line.ids[1])].stopped_at is not None
    assert line.before.transactions[str(line.ids[1])].stopped_at is not None
    await line.deliver(value(25))
    await line.deliver_elsewhere(value(26))
    assert await filed(line) == [(25, None), (26, None)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
class TestNoneWaitsForTheOther:
    """Each of two transactions has what the other needs next, unless both take it in one order."""

    def link(self, of: str, number: int, **found: Any) -> Connected:
        return Connected(
            charge_point_id=of,
            node_id=f"nod_{number}",
            ocpp_version="1.6",
            remote_address=f"192.0.2.{number}",
            at=_AT,
            **found,
        )

    async def stored(self, database: Database, *records: Record) -> None:
        async with database.write() as connection:
            await store_facts(connection, records)

    async def test_a_link_ends_while_a_person_decides_for_another(self, database: Database) -> None:
        (of,) = await seed(database)
        async with database.write() as connection:
            for number in (1, 2):
                await nodes.beat(connection, f"nod_{number}")
        await self.stored(database, self.link(of, 1))
        await self.stored(database, self.link(of, 2, alive=frozenset({1})))
        end = Disconnected(
            charge_point_id=of,
            node_id="nod_2",
            generation=2,
            ocpp_version="1.6",
            remote_address="192.0.2.2",
            at=_AT,
        )
        async with database.write() as connection:
            await contests.locked(connection, of)
            begun = asyncio.create_task(self.stored(database, end))
            await waits(database, begun)
            await contests.keep(connection, of, 1, at=_AT)
        await begun
        assert not end.was_current

    async def test_charge_points_connect_while_their_old_node_has_heard_of_them(
        self, database: Database
    ) -> None:
        some = sorted(await seed(database, 2))
        await self.stored(database, *(self.link(of, 1) for of in some))

        def touched(of: str) -> Touched:
            return Touched(charge_point_id=of, node_id="nod_1", generation=1, seen_at=_AT)

        newcomers = [self.link(of, 2, gone=frozenset({1})) for of in reversed(some)]
        async with database.write() as connection:
            await store_touched(connection, [touched(some[0])])
            begun = asyncio.create_task(self.stored(database, *newcomers))
            await waits(database, begun)
            await store_touched(connection, [touched(some[1])])
        await begun
        assert [one.generation for one in newcomers] == [2, 2]
