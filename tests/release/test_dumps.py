"""A dump is upgraded and loses no row."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.engine import Database
from tests.release import dumps
from tests.release.dumps import dump, load, upgraded
from tests.release.filled import fill, upgrade_and_lose
from tests.support.databases import empty_postgresql


async def _upgrade_half_way(url: str) -> None:
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(text("DROP TABLE photos"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    await database.close()


@pytest.fixture
def restored(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database that was made from a dump, with rows."""
    asyncio.run(fill(database_url))
    written = dump(database_url)
    with ExitStack() as stack:
        url = f"sqlite+aiosqlite:///{tmp_path}/restored.sqlite3"
        if "postgresql" in database_url:
            server = request.getfixturevalue("postgresql_server_url")
            url = stack.enter_context(empty_postgresql(server))
        load(written, url)
        yield url


async def test_an_upgrade_keeps_rows(restored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await upgraded(restored) == []
    monkeypatch.setattr(dumps, "upgrade", upgrade_and_lose)
    assert await upgraded(restored) == ["charge_points had 1 rows and has 0"]
    monkeypatch.setattr(dumps, "upgrade", _upgrade_half_way)
    behind, *differences = await upgraded(restored)
    assert behind == "the migrations did not run to the end"
    assert any("photos" in one for one in differences)


def test_a_dump_that_cannot_be_read_is_an_error(postgresql_server_url: str) -> None:
    with (
        empty_postgresql(postgresql_server_url) as url,
        pytest.raises(RuntimeError, match="psql failed: ERROR"),
    ):
        load("SELECT nothing FROM nowhere;", url)
