import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.arrival import HEAD, has_current_schema
from storage.engine import Database
from storage.migrate import alembic_config, upgrade
from tests.support.databases import differences_from_tables, postgresql_copy


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/with space and %.sqlite3"
        return
    server: str = request.getfixturevalue("postgresql_server_url")
    with postgresql_copy(server) as url:
        asyncio.run(_empty(url))
        yield url


async def _empty(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


async def is_current(url: str) -> bool:
    database = Database(url)
    try:
        async with database.read() as connection:
            return await has_current_schema(connection)
    finally:
        await database.close()


async def test_the_migrations_make_the_tables(empty_url: str) -> None:
    assert not await is_current(empty_url)
    await upgrade(empty_url)
    assert await is_current(empty_url)
    database = Database(empty_url)
    async with database.read() as connection:
        assert await connection.run_sync(differences_from_tables) == []
    await database.close()


def test_the_schema_of_this_release_is_that_of_the_last_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


async def test_processes_that_upgrade_at_once_queue_up(empty_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_url) for _ in range(4)))
    assert await is_current(empty_url)
    await upgrade(empty_url)  # and again changes nothing
    assert await is_current(empty_url)


async def test_a_partial_index_is_in_the_migration(empty_url: str) -> None:
    """Autogenerate does not compare conditions of indexes, so they are looked at here."""
    await upgrade(empty_url)
    database = Database(empty_url)
    query = (
        "SELECT sql FROM sqlite_master WHERE name = 'uq_commissioning_runs_one_open'"
        if database.is_sqlite
        else "SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_commissioning_runs_one_open'"
    )
    async with database.read() as connection:
        definition = str(await connection.scalar(text(query)))
    assert "UNIQUE" in definition
    assert "'starting'" in definition
    assert "'in_progress'" in definition
    await database.close()
