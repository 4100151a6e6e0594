from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from domain.states import LogLevel
from storage.engine import Database
from storage.log import Log, LogFilter
from storage.models.facts import LogEntry

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
async def log(database: Database) -> Database:
    """One entry a level, a minute apart, and one of another charge point."""
    async with database.write() as connection:
        for number, level in enumerate(LogLevel):
            for charge_point in ("cp_1", "cp_2"):
                await connection.execute(
                    insert(LogEntry).values(
                        charge_point_id=charge_point,
                        commissioning_id="com_1" if number % 2 else None,
                        at=NOW + timedelta(minutes=number),
                        level=level,
                        kind="step",
                        text=level,
                    )
                )
    return database


@pytest.mark.parametrize(
    ("wanted", "levels"),
    [
        (LogFilter(), ["debug", "info", "warning", "error"]),
        (LogFilter(level=LogLevel.DEBUG), ["debug", "info", "warning", "error"]),
        (LogFilter(level=LogLevel.WARNING), ["warning", "error"]),
        (LogFilter(commissioning_id="com_1"), ["info", "error"]),
        (LogFilter(since=NOW + timedelta(minutes=2)), ["warning", "error"]),
        (LogFilter(until=NOW + timedelta(minutes=2)), ["debug", "info"]),
    ],
)
async def test_filters(log: Database, wanted: LogFilter, levels: list[str]) -> None:
    async with log.read() as connection:
        entries = await Log(connection).page("cp_1", wanted, after=None, limit=10)
    assert [entry.text for entry in entries] == levels


async def test_steps_written_at_the_end_stand_where_they_belong(log: Database) -> None:
    async with log.write() as connection:
        await connection.execute(
            insert(LogEntry).values(
                charge_point_id="cp_1",
                at=NOW + timedelta(minutes=1),
                level=LogLevel.INFO,
                kind="step",
                text="late",
            )
        )
    texts: list[str] = []
    async with log.read() as connection:
        after = None
        while entries := await Log(connection).page("cp_1", LogFilter(), after=after, limit=2):
            texts += [entry.text for entry in entries]
            after = entries[-1].id
    assert texts == ["debug", "info", "late", "warning", "error"]


async def test_pages_go_on_where_the_last_ended(log: Database) -> None:
    async with log.read() as connection:
        first = await Log(connection).page("cp_1", LogFilter(), after=None, limit=3)
        rest = await Log(connection).page("cp_1", LogFilter(), after=first[-1].id, limit=3)
    assert [entry.text for entry in (*first, *rest)] == list(LogLevel)
