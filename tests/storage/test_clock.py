"""The database's clock, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from storage.clock import Skew, database_now, measure_skew, read_database_clock
from storage.engine import Database
from storage.models.connections import Node
from storage.nodes import beat, live_nodes

_NEAR = timedelta(seconds=5)  # the databases of the tests are on this machine


async def test_it_is_a_moment_like_any_other(database: Database) -> None:
    async with database.read() as connection:
        moment = await read_database_clock(connection)
        earlier = await connection.scalar(select(database_now(ago=timedelta(minutes=2))))
    assert moment.tzinfo is UTC
    assert abs(moment - datetime.now(UTC)) < _NEAR
    assert earlier is not None
    assert timedelta(minutes=2) - _NEAR < moment - earlier < timedelta(minutes=2) + _NEAR


async def test_what_is_stored_of_it_compares_with_what_is_stored_of_others(
    database: Database,
) -> None:
    now = datetime.now(UTC)
    async with database.write() as connection:
        await beat(connection, "node_1")
        for name, at in (("node_2", now - timedelta(minutes=1)), ("node_3", now)):
            await connection.execute(insert(Node).values(id=name, started_at=at, seen_at=at))
    async with database.read() as connection:
        stored = await connection.scalar(select(col(Node.seen_at)).where(col(Node.id) == "node_1"))
        assert stored is not None
        assert abs(stored - now) < _NEAR
        assert await live_nodes(connection) == ["node_1", "node_3"]


@pytest.mark.parametrize("seconds", [-40.0, -3.0, 0.0, 3.0, 40.0])
async def test_a_clock_that_is_off(database: Database, seconds: float) -> None:
    async with database.read() as connection:
        skew = await measure_skew(
            connection, lambda: datetime.now(UTC) + timedelta(seconds=seconds)
        )
    assert abs(skew.ahead - timedelta(seconds=seconds)) < _NEAR / 2


def test_it_is_said_with_its_figure() -> None:
    assert str(Skew(ahead=timedelta(seconds=40.04))) == "40.0 s ahead of the database's"
    assert str(Skew(ahead=timedelta(seconds=-2.5))) == "2.5 s behind the database's"
