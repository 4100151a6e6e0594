"""A unit of work that is cancelled in the middle of a statement is rolled back, lock and all."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import make_url, select, text

from storage.engine import Database
from storage.models.connections import Node

_PATIENCE_SECONDS = 20


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    """It would free, some time, what is held by accident."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id, here() FROM nodes",
        "UPDATE nodes SET id = id || here()",
        "DELETE FROM nodes WHERE here() = 'here' RETURNING id",
    ],
)
@pytest.mark.usefixtures("no_garbage_collector")
async def test_it_leaves_no_lock(database_url: str, database: Database, statement: str) -> None:
    arrived, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def here() -> str:
        loop.call_soon_threadsafe(arrived.set)
        go_on.wait(_PATIENCE_SECONDS)
        return "here"

    async def work() -> None:
        now = datetime.now(UTC)
        async with database.write() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.create_function("here", 0, here)
            for name in ("one", "another"):
                await connection.execute(
                    Node.__table__.insert().values(id=name, started_at=now, seen_at=now)
                )
            await connection.execute(text(statement))

    task = asyncio.create_task(work())
    await asyncio.wait_for(arrived.wait(), _PATIENCE_SECONDS)
    task.cancel()
    go_on.set()
    await asyncio.wait([task])
    assert task.cancelled()

    path = make_url(database_url).database
    assert path
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")  # or it is locked
        another.execute("ROLLBACK")
    async with database.read() as connection:
        assert (await connection.execute(select(Node.__table__))).all() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_thread_outlives_the_database(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller is cancelled while it connects: the thread answers to it all the same.

    The event loop may be closed by then, and the thread would die of that.
    """
    await asyncio.to_thread(int)  # the loop has its own threads from now on
    before = set(threading.enumerate())
    arrived, go_on = asyncio.Event(), threading.Event()
    loop, connect = asyncio.get_running_loop(), sqlite3.connect

    def slow(*arguments: Any, **options: Any) -> sqlite3.Connection:
        loop.call_soon_threadsafe(arrived.set)
        go_on.wait(_PATIENCE_SECONDS)
        opened: sqlite3.Connection = connect(*arguments, **options)
        return opened

    monkeypatch.setattr(sqlite3, "connect", slow)
    database = Database(database_url)

    async def work() -> None:
        async with database.read():
            pytest.fail("It was cancelled before.")

    task = asyncio.create_task(work())
    await asyncio.wait_for(arrived.wait(), _PATIENCE_SECONDS)
    task.cancel()
    await asyncio.wait([task])
    loop.call_later(0.1, go_on.set)

    await database.close()

    assert set(threading.enumerate()) <= before | _of_the_pool()


def _of_the_pool() -> set[threading.Thread]:
    """Threads of the event loop's own executor."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")}
