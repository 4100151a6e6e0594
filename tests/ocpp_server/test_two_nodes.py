"""A charge point that is heard by two nodes at once, in each schedule that can go wrong.

It has changed its node; the old one still has frames of the socket that is gone, and knows nothing
of what the new one hears. ``line.peer`` is the new node, ``line.before`` the old one.
"""

import asyncio

import pytest
from sqlalchemy import text

from storage.engine import Database
from tests.ocpp_server.bed import seed
from tests.ocpp_server.line import Line, Message, Naming, filed, start, stop, value
from tests.support.eventually import eventually

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)

either_is_first = pytest.mark.parametrize("old_is_first", [True, False], ids=["old", "new"])


@pytest.fixture
async def line(database: Database) -> Line:
    """A charge point that has just changed its node."""
    (charge_point_id,) = await seed(database)
    line = Line(database, charge_point_id, 0)
    await line.connect()
    await line.connect()
    return line


async def at_once(line: Line, first: Message, second: Message, *, old_is_first: bool) -> None:
    """One node stores ``first``, and before it commits, the other has begun with ``second``."""
    one, other = (line.before, line.peer) if old_is_first else (line.peer, line.before)
    async with line.storing(first, one):
        begun = asyncio.create_task(line.deliver_over(second, other))

        async def it_is_as_far_as_it_can_be() -> None:
            # On SQLite it is not let in; on PostgreSQL it is through, or waits for a row.
            if not (line.database.is_sqlite or begun.done()):
                async with line.database.read() as connection:
                    assert await connection.scalar(_WAITING)

        await eventually(it_is_as_far_as_it_can_be)
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
    assert line.peer.has_ended(line.ids[1])
    assert line.before.has_ended(line.ids[1])
    await line.deliver(value(25))
    await line.deliver_elsewhere(value(26))
    assert await filed(line) == [(25, None), (26, None)]
