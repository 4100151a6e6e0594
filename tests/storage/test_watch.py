"""Whether the database answers a process, over a real connection that is disturbed."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from storage.engine import Database
from storage.outages import DatabaseWatch
from tests.chaos.frames import Unsplit
from tests.chaos.proxy import FaultProxy
from tests.support.databases import empty_postgresql

SHORT = timedelta(milliseconds=50)


@pytest.fixture
def empty_url(postgresql_server_url: str) -> Iterator[str]:
    with empty_postgresql(postgresql_server_url) as url:
        yield url


@asynccontextmanager
async def watching(database: Database, *, patience: timedelta) -> AsyncIterator[DatabaseWatch]:
    watch = DatabaseWatch(database, every=SHORT, patience=patience)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("how", ["refused", "black hole"])
async def test_away_and_back(empty_url: str, how: str) -> None:
    address = make_url(empty_url)
    assert address.port is not None
    async with FaultProxy([address.port], choose=random.Random(1), split=Unsplit) as proxy:
        database = Database(
            address.set(port=proxy.port).render_as_string(hide_password=False), pool_size=1
        )
        with capture_logs() as lines:
            async with watching(database, patience=timedelta(seconds=1)) as watch:
                assert watch.trouble() is not None  # nothing is known yet
                await watch.answering.wait()
                assert watch.trouble() is None
                proxy.darken() if how == "refused" else proxy.swallow()
                await watch.away.wait()
                assert watch.trouble() == "the database cannot be reached"
                assert not watch.answering.is_set()
                proxy.relight()
                proxy.heal()
                await watch.answering.wait()
                assert not watch.away.is_set()
        await database.close()
    events = [line["event"] for line in lines]
    assert events[-1] == "database_away_over"
    assert 1 <= events.count("database_away") <= 3  # one for each kind of reason
    assert [line["exc_info"] is not None for line in lines[:-1]].count(True) == 1


async def test_a_clock_that_differs_is_told_once_and_again_when_it_agrees(
    database: Database,
) -> None:
    shift = timedelta(seconds=-40)
    watch = DatabaseWatch(database, now=lambda: datetime.now(UTC) + shift)
    with capture_logs() as lines:
        for _ in range(5):
            await watch.look()
        trouble = watch.trouble()
        assert trouble is not None
        assert "s behind the database's" in trouble
        shift = timedelta(seconds=-5)
        await watch.look()
        assert watch.trouble() is None  # told, and borne
        shift = timedelta(0)
        await watch.look()
    told = [(line["event"], round(line["seconds_ahead"])) for line in lines]
    assert told == [("clock_differs", -40), ("clock_agrees", 0)]
