"""A database that hangs, and neither answers nor fails, is as good as away."""

import asyncio

import pytest
from sqlalchemy import text

from ocpp_server import writer as module
from ocpp_server.writer import NotStoredError, Writer
from storage.engine import Database
from storage.models.facts import Connector
from tests.ocpp_server.bed import Bed
from tests.ocpp_server.test_writer import status

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
async def test_who_waits_for_it_is_told(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(module, "_COMMIT_SECONDS", 0.2)
    writer = Writer(bed.database, lambda _records: None)
    running = asyncio.create_task(writer.run())
    async with bed.database.write() as other:
        await other.execute(text("LOCK TABLE connectors IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(NotStoredError):
            await writer.store(status(bed.charge_point_id))
    monkeypatch.setattr(module, "_COMMIT_SECONDS", 10.0)
    writer.close()
    await running
    assert len(await bed.rows(Connector)) == 1


@on_postgresql
async def test_a_statement_has_an_end(database_url: str) -> None:
    database = Database(database_url, statement_seconds=0.2)
    with pytest.raises(TimeoutError):
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(3600)"))
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await database.close()
