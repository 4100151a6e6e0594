"""What a database refuses for good, on the real errors of both."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable, insert, text

from storage.engine import Database
from storage.models.connections import Node
from storage.write_errors import is_refused

_AT = datetime(2026, 5, 1, tzinfo=UTC)


async def _error(database: Database, *statements: Executable) -> Exception:
    try:
        async with database.write() as connection:
            for statement in statements:
                await connection.execute(statement)
    except Exception as error:  # noqa: BLE001 - which one is the question
        return error
    pytest.fail("it was taken")


def _node(**values: object) -> Executable:
    return insert(Node).values({"id": "n", "started_at": _AT, "seen_at": _AT, **values})


async def test_a_row_that_is_there_already(database: Database) -> None:
    assert is_refused(await _error(database, _node(), _node()))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"id": object()}, id="of no type"),
        pytest.param({"id": "\ud800"}, id="no text"),
        pytest.param({"seen_at": _AT.replace(tzinfo=None)}, id="naive"),
    ],
)
async def test_a_value_that_cannot_be_written(
    database: Database, values: dict[str, object]
) -> None:
    assert is_refused(await _error(database, _node(**values)))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_null_character(database: Database) -> None:
    assert is_refused(await _error(database, _node(id="a\0b")))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("state", ["53100", "25006", "57P01", "40P01", "57014"])
async def test_a_server_that_is_not_well(database: Database, state: str) -> None:
    """Disk full, read-only, shutting down, deadlock, cancelled."""
    raised = text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")
    assert not is_refused(await _error(database, raised))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_that_cannot_be_written(database: Database) -> None:
    assert not is_refused(await _error(database, text("PRAGMA query_only=1"), _node()))


async def test_a_server_that_is_away() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    assert not is_refused(await _error(database, _node()))


def test_a_timeout() -> None:
    assert not is_refused(TimeoutError())
