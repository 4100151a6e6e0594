"""What a node asks its database stays as quick as it is however much history there is.

Each statement of the hot paths is explained on a database with years of sessions: SQLite must not
scan a table that grows with traffic, and PostgreSQL must not look at more than a few of its rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import event, text

from domain.states import LogLevel
from storage import facts
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.engine import Database
from storage.fact_records import (
    Attempt,
    Authorization,
    Boot,
    Connected,
    ConnectorStatus,
    LogEntry,
    MeterEntry,
    MeterValues,
    Record,
    Touched,
    TransactionStart,
    TransactionStop,
)
from storage.project_runs import charge_points_by_run, newest_runs
from storage.reports import Reports
from storage.retention.rounds import StoredRetention
from storage.retention.step import ROWS
from tests.ocpp_server.bed import seed
from tests.storage.letting_go import AGES
from tests.support.history import live_for_years

CHARGE_POINTS: Final = 20
SESSIONS: Final = 5_000
"""Of each: it has charged for years."""
LOOKED_AT: Final = 400
"""Rows, at most, of one table in one statement: twenty for each charge point of the batch."""
GROWING: Final = ("transactions", "meter_values", "boots", "log_entries", "commissioning_runs")
GROWING_KINDS: Final = ("frames", "entries", "meter_values", "boots")
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
async def crowd(database: Database) -> list[str]:
    """Charge points with a history; the last session of each still runs."""
    identities = await seed(database, CHARGE_POINTS)
    async with database.write() as connection:
        for identity in identities:
            await live_for_years(connection, identity, sessions=SESSIONS, until=NOW)
    if not database.is_sqlite:  # which has no statistics in use either
        async with database._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
    return identities


@contextmanager
def _each(database: Database, hear: Callable[[str, Any, bool], None]) -> Iterator[None]:
    """Have the block's statements told, with their values, and whether those are a list."""

    def told(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        hear(statement, values, many)

    event.listen(database._engine.sync_engine, "before_cursor_execute", told)
    try:
        yield
    finally:
        event.remove(database._engine.sync_engine, "before_cursor_execute", told)


@contextmanager
def heard(database: Database) -> Iterator[dict[str, Any]]:
    """Give the statements that the block makes, each text once, with its values."""
    said: dict[str, Any] = {}

    def hear(statement: str, values: Any, many: bool) -> None:
        said.setdefault(statement, values[0] if many else values)

    with _each(database, hear):
        yield said


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Give all statements that are made."""
    said: list[str] = []
    with _each(database, lambda statement, *_: said.append(statement)):
        yield said


@contextmanager
def row_by_row(database: Database) -> Iterator[list[str]]:
    """Give the statements that SQLite is to carry out once for each of several rows."""
    said: list[str] = []

    def hear(statement: str, values: Any, many: bool) -> None:
        if many and isinstance(values[0], tuple) and len(values) > 1 and database.is_sqlite:
            said.append(statement)

    with _each(database, hear):
        yield said


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _is_a_scan(step: str, statement: str) -> bool:
    """Tell whether SQLite looks at a whole table, or at all values that are in no session."""
    if step.startswith("SCAN"):
        return step.split()[1] in GROWING
    of_none = "transaction_id IS NULL" in statement
    return of_none and step.removesuffix(" LEFT-JOIN").endswith("(transaction_id=?)")


async def too_much(
    database: Database, statement: str, values: Any, *, most: int = LOOKED_AT
) -> list[str]:
    """Say what of growing tables the statement looks at that it should not."""
    async with database._engine.connect() as connection, connection.begin() as unit:
        if database.is_sqlite:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [str(row.detail) for row in rows]
            return [step for step in steps if _is_a_scan(step, statement)]
        rows = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values
        )
        (plan,) = (row[0][0]["Plan"] for row in rows)
        await unit.rollback()
        found = []
        for node in _nodes(plan):
            removed = sum(node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Join Filter"))
            looked_at = (node["Actual Rows"] + removed) * node["Actual Loops"]
            if looked_at > most:
                found.append(f"{node['Node Type']} {node.get('Relation Name')}: {looked_at} rows")
        return found


async def assert_all_look_at_few(
    database: Database, statements: Mapping[str, Any], *, most: int = LOOKED_AT
) -> None:
    wrong = [
        f"{', '.join(found)}: {' '.join(statement.split())}"
        for statement, values in statements.items()
        if statement.split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}
        and (found := await too_much(database, statement, values, most=most))
    ]
    assert not wrong, "\n".join(wrong)


def _records(of: str) -> list[Record]:
    entry = MeterEntry(at=NOW + timedelta(minutes=1), samples=[{"value": "1"}])
    frame = LogEntry(
        charge_point_id=of,
        commissioning_id=None,
        at=NOW,
        level=LogLevel.INFO,
        kind="ocpp",
        text="[]",
    )
    free = ConnectorStatus(
        charge_point_id=of,
        connector_id=1,
        status="Available",
        error_code="NoError",
        vendor_error_code=None,
        info=None,
        at=NOW,
        stamped_at=NOW,
    )
    repeatable = replace(frame, same="what it says")
    refused = Attempt(
        identity=of,
        charge_point_id=of,
        at=NOW,
        code="wrong_password",
        reason="It is another one.",
        remote_address="192.0.2.1",
    )
    return [
        Connected(
            charge_point_id=of, node_id="node_x", ocpp_version="1.6", remote_address=None, at=NOW
        ),
        Boot(
            charge_point_id=of,
            boot_id=f"boot_{of}",
            at=NOW,
            vendor="V",
            model="M",
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=None,
            warnings=(),
            payload={},
        ),
        free,
        replace(free, status="SuspendedEV"),
        Authorization(charge_point_id=of, id_tag="TAG"),
        MeterValues(
            charge_point_id=of, connector_id=1, received_at=NOW, entries=[entry], inferred=True
        ),
        MeterValues(charge_point_id=of, connector_id=1, received_at=NOW, entries=[entry], lookup=7),
        TransactionStart(
            charge_point_id=of,
            connector_id=1,
            id_tag="TAG",
            started_at=NOW,
            meter_start=None,
            received_at=NOW,
        ),
        TransactionStop(
            charge_point_id=of,
            transaction_id=-1,  # it was lost
            stopped_at=NOW,
            meter_stop=9,
            reason=None,
            received_at=NOW,
            entries=[],
        ),
        frame,
        repeatable,
        repeatable,  # it is a count from now on
        Touched(charge_point_id=of, node_id="node_x", generation=1, seen_at=NOW, heartbeat_at=NOW),
        refused,
        refused,
    ]


async def test_a_node_asks_nothing_that_grows_with_history(
    database: Database, crowd: list[str]
) -> None:
    kinds = zip(*(_records(of) for of in crowd), strict=True)
    with heard(database) as statements, row_by_row(database) as tedious:
        for records in kinds:
            async with database.write() as connection:
                await facts.store(connection, records)
        async with database.read() as connection:
            await facts.read_watches(connection, crowd)
            await facts.newest_boot(connection, crowd[0])
            await facts.read_snapshot(connection, crowd[0], now=NOW, commissioning_id="com_x")
            await facts.read_snapshot(connection, crowd[0], now=NOW)
    assert len(statements) > len(_records(""))
    assert not tedious, "its driver gives the interpreter away at each row, and keeps the database"
    await assert_all_look_at_few(database, statements)


@pytest.mark.usefixtures("crowd")
async def test_retention_looks_at_a_page_however_much_there_is(database: Database) -> None:
    """Of each kind, where all is old; twice, for the page behind the first."""
    ages = replace(
        AGES,
        frames=timedelta(),
        log=timedelta(),
        meter_values=timedelta(),
        boots=SESSIONS // 200,
        reports=SESSIONS // 200,
    )
    now = NOW + timedelta(days=9)
    retention = StoredRetention(database, ages, now=lambda: now)
    with heard(database) as statements:
        for name, take in retention.kinds(now).items():
            for _ in range(2):
                step = await retention.step(name, take)
                assert not step.is_last or name not in GROWING_KINDS
    await assert_all_look_at_few(database, statements, most=3 * ROWS)


async def test_a_project_is_read_without_its_history(database: Database, crowd: list[str]) -> None:
    async with database.read() as connection:
        project = (await read_registered(connection, crowd[0])).project_id
        with heard(database) as statements:
            await newest_runs(connection, project, limit=100)
            await charge_points_by_run(connection, project, limit=100)
            report = await Reports(connection, load_catalogue()).of_project(project)
    assert len(report.charge_points) == CHARGE_POINTS
    await assert_all_look_at_few(database, statements)


async def test_a_report_of_many_charge_points_asks_no_more_than_that_of_one(
    database: Database, crowd: list[str]
) -> None:
    async with database.read() as connection:
        project = (await read_registered(connection, crowd[0])).project_id
        reports = Reports(connection, load_catalogue())
        with counted(database) as of_one:
            await reports.of_charge_point(crowd[0])
        with counted(database) as of_many:
            await reports.of_project(project)
    assert len(of_many) == len(of_one)
