"""What a node asks its database stays as quick as it is however much history there is.

Each statement of the hot paths is explained on a database with years of sessions: SQLite must not
scan a table that grows with traffic, and PostgreSQL must not look at more than a few of its rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from pydantic import TypeAdapter
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checks import CheckRecord, RunView
from domain.commissioning import RunRequest
from domain.states import CheckName, RunStatus
from storage import facts
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.engine import Database
from storage.fact_records import (
    Authorization,
    Boot,
    Connected,
    ConnectorStatus,
    MeterEntry,
    MeterValues,
    Record,
    TransactionStart,
    TransactionStop,
)
from storage.project_runs import charge_points_by_run, newest_runs
from storage.reports import Reports
from storage.retention.rounds import StoredRetention
from storage.retention.step import ROWS
from tests.ocpp_server.bed import seed
from tests.storage.letting_go import AGES
from tests.support.rows import run_request

CHARGE_POINTS: Final = 20
SESSIONS: Final = 5_000
"""Of each: it has charged for years."""
LOOKED_AT: Final = 400
"""Rows, at most, of one table in one statement: twenty for each charge point of the batch."""
GROWING: Final = ("transactions", "meter_values", "boots", "log_entries", "commissioning_runs")
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
BEGAN: Final = NOW - timedelta(hours=SESSIONS)

Statement = tuple[str, Any]


_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :sessions)"
    " SELECT n FROM n",
    "postgresql": "SELECT generate_series(1, :sessions) AS n",
}
_JSON: Final = {"sqlite": ":{}", "postgresql": "CAST(:{} AS json)"}
_MOMENT: Final = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', :began, {} || ' minutes')",
    "postgresql": "CAST(:began AS timestamptz) + {} * interval '1 minute'",
}


async def _live_for_years(connection: AsyncConnection, identity: str) -> None:
    """Sessions of half an hour, each hour, a meter value in each and one behind it, a boot too."""
    dialect = connection.dialect.name
    numbers = f"({_NUMBERS[dialect]}) AS numbers"

    def at(minutes: str) -> str:
        return _MOMENT[dialect].format(f"(n * 60 + {minutes})")

    def json(name: str) -> str:
        return _JSON[dialect].format(name)

    view = RunView(
        commissioning_id=f"com_{identity}{SESSIONS}",
        charge_point_id=identity,
        status=RunStatus.COMPLETED,
        checks=tuple(CheckRecord(name=name) for name in CheckName),
        started_at=BEGAN,
    )
    values = {
        "of": identity,
        "sessions": SESSIONS,
        "view": TypeAdapter(RunView).dump_json(view).decode(),
        "request": TypeAdapter(RunRequest).dump_json(run_request(identity)).decode(),
        "began": BEGAN if dialect == "postgresql" else BEGAN.strftime("%Y-%m-%d %H:%M:%S"),
    }
    for statement in (
        f"""
        INSERT INTO transactions (charge_point_id, connector_id, id_tag, started_at, meter_start,
            received_at, stopped_at, meter_stop, stop_received_at, superseded)
        SELECT :of, 1, 'TAG', {at("0")}, n, {at("0")}, {at("30")}, n + 1, {at("30")}, false
        FROM {numbers}""",  # noqa: S608 - constants
        """
        INSERT INTO meter_values (charge_point_id, connector_id, transaction_id, at, received_at,
            samples, inferred, digest)
        SELECT charge_point_id, 1, id, started_at, started_at, '[]', true, id FROM transactions
        WHERE charge_point_id = :of""",
        f"""
        INSERT INTO meter_values (charge_point_id, connector_id, at, received_at, samples,
            inferred, digest)
        SELECT :of, 1, {at("45")}, {at("45")}, '[]', true, n FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO boots (id, charge_point_id, at, vendor, model, registration, warnings, payload)
        SELECT :of || n, :of, {at("50")}, 'V', 'M', 'Accepted', '[]', '{{}}' FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO log_entries (charge_point_id, at, level, kind, text)
        SELECT :of, {at("50")}, 'info', 'frame', '[]' FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO commissioning_runs (id, charge_point_id, project_id, status, request,
            started_at, completed_at, view)
        SELECT 'com_' || :of || n, :of, project_id, 'completed', {json("request")},
            {at("50")}, {at("55")}, {json("view")}
        FROM {numbers}, charge_points WHERE id = :of AND n % 10 = 0""",  # noqa: S608 - constants
        """
        UPDATE transactions SET stopped_at = NULL WHERE id =
            (SELECT max(id) FROM transactions WHERE charge_point_id = :of)""",
    ):
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await connection.execute(text(statement), used)


@pytest.fixture
async def crowd(database: Database) -> list[str]:
    """Charge points with a history; the last session of each still runs."""
    identities = await seed(database, CHARGE_POINTS)
    async with database.write() as connection:
        for identity in identities:
            await _live_for_years(connection, identity)
    async with database._engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))
    return identities


@contextmanager
def heard(database: Database) -> Iterator[list[Statement]]:
    """Give the statements that the block makes, each text once."""
    said: dict[str, Any] = {}

    def hear(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        said.setdefault(statement, values[0] if many else values)

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", hear)
    statements: list[Statement] = []
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", hear)
        statements.extend(said.items())


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Give all statements that are made."""
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(database._engine.sync_engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(database._engine.sync_engine, "before_cursor_execute", hear)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def too_much(
    database: Database, statement: str, values: Any, *, most: int = LOOKED_AT
) -> list[str]:
    """Say what of growing tables the statement looks at that it should not."""
    async with database._engine.connect() as connection, connection.begin() as unit:
        if database.is_sqlite:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [str(row.detail) for row in rows]
            return [
                step for step in steps if step.startswith("SCAN") and step.split()[1] in GROWING
            ]
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
    database: Database, statements: list[Statement], *, most: int = LOOKED_AT
) -> None:
    wrong = [
        f"{', '.join(found)}: {' '.join(statement.split())}"
        for statement, values in statements
        if statement.split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}
        and (found := await too_much(database, statement, values, most=most))
    ]
    assert not wrong, "\n".join(wrong)


def _records(of: str) -> list[Record]:
    entry = MeterEntry(at=NOW + timedelta(minutes=1), samples=[{"value": "1"}])
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
        ConnectorStatus(
            charge_point_id=of,
            connector_id=1,
            status="Available",
            error_code="NoError",
            vendor_error_code=None,
            info=None,
            at=NOW,
            stamped_at=NOW,
        ),
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
    ]


async def test_a_node_asks_nothing_that_grows_with_history(
    database: Database, crowd: list[str]
) -> None:
    kinds = zip(*(_records(of) for of in crowd), strict=True)
    with heard(database) as statements:
        for records in kinds:
            async with database.write() as connection:
                await facts.store(connection, records)
        async with database.read() as connection:
            await facts.read_watches(connection, crowd)
            await facts.newest_boot(connection, crowd[0])
            await facts.read_snapshot(connection, crowd[0], now=NOW, commissioning_id="com_x")
            await facts.read_snapshot(connection, crowd[0], now=NOW)
    assert len(statements) > len(_records(""))
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
                assert not (await retention.step(name, take)).is_last or name == "reports"
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
