"""What a node asks its database stays as quick as it is however much history there is.

Each statement of the hot paths is explained on a database with years of sessions: SQLite must not
scan a table that grows with traffic, and PostgreSQL must not look at more than a few of its rows.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast

import pytest
from sqlalchemy import Select, select, text, update
from sqlmodel import col
from temporalio.client import Client

from domain.audit import ENGINE
from domain.billing.messages import BillTransaction
from domain.power.facts import SiteQuestion
from domain.states import ProjectStatus
from storage import nodes
from storage.bill_transaction import StoredBilling
from storage.billing_activation import BillingActivation
from storage.boots import newest_boot
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.connections import owned_by
from storage.connectors import read_suspensions
from storage.contests import read_confirmed
from storage.engine import Database
from storage.fact_records import Connected
from storage.held import HeldRecords
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.power_sharing import StoredPowerSharing
from storage.reports import Reports
from storage.retention.rounds import StoredRetention
from storage.retention.step import ROWS
from storage.run_queries import charge_points_by_run, newest_runs
from storage.runs import Runs
from storage.snapshots import read_snapshot, read_watches
from storage.store_facts import store_facts
from storage.tariffs import Tariffs
from storage.transactions import running_sessions
from temporal.dispatcher import Dispatcher
from temporal.reconciler import Reconciler
from tests.ocpp_server.bed import seed
from tests.storage.every_record import NODES, NOW, records_of
from tests.storage.letting_go import AGES
from tests.storage.plans import assert_all_look_at_few
from tests.support.billing import energy_tariff, stored_tariff
from tests.support.history import live_for_years
from tests.support.statements import counted, heard, row_by_row

CHARGE_POINTS: Final = 20
SESSIONS: Final = 5_000
"""Of each: it has charged for years."""
GROWING_KINDS: Final = ("frames", "entries", "meter_values", "boots")
_ALL_RUNS: Final = "SELECT commissioning_runs.id \nFROM"
_SUSPENDED: Final = """
    INSERT INTO suspensions (charge_point_id, evse_id, since, until)
    SELECT charge_point_id, evse_id, started_at, stopped_at FROM transactions
    WHERE stopped_at IS NOT NULL"""


@pytest.fixture
async def crowd(database: Database) -> list[str]:
    """Charge points with a history; the last session of each still runs."""
    identities = await seed(database, CHARGE_POINTS)
    async with database.write() as connection:
        for identity in identities:
            await live_for_years(connection, identity, sessions=SESSIONS, until=NOW)
        await connection.execute(text(_SUSPENDED))
    if not database.is_sqlite:  # which has no statistics in use either
        async with database._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
    return identities


def _newest_session(of: str) -> Select[Any]:
    ended = col(Transaction.stopped_at) < NOW
    newest = (
        select(Transaction.__table__).where(col(Transaction.charge_point_id) == of).where(ended)
    )
    return newest.order_by(col(Transaction.stopped_at).desc()).limit(1)


async def test_a_node_asks_nothing_that_grows_with_history(
    database: Database, crowd: list[str]
) -> None:
    batches = list(zip(*(records_of(of) for of in crowd), strict=True))
    with heard(database) as statements, row_by_row(database) as tedious:
        for records in batches:
            async with database.write() as connection:
                for node in NODES:
                    await nodes.beat(connection, node)
                await store_facts(connection, records)
        async with database.read() as connection:
            confirmed = await read_confirmed(connection, crowd)
            owned = await owned_by(connection, NODES[0])
            ended = await connection.execute(_newest_session(crowd[0]))
            suspended = await read_suspensions(connection, ended.one(), ended=NOW)
            await read_watches(connection, crowd)
            await newest_boot(connection, crowd[0])
            await read_snapshot(connection, crowd[0], now=NOW, commissioning_id="com_x")
            await read_snapshot(connection, crowd[0], now=NOW)
    assert (set(confirmed), owned, len(suspended)) == ({*crowd}, {}, 1)
    assert len(statements) > len(batches)
    assert not tedious, "its driver gives the interpreter away at each row, and keeps the database"
    # All sessions of a charge point, as a contest of its links begins: once until a person decides.
    (rare,) = [one for one in statements if "contested" in one and "stop_received_at >=" in one]
    del statements[rare]
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


async def test_what_is_asked_again_and_again_looks_at_no_history(
    database: Database, crowd: list[str]
) -> None:
    """By everybody who follows something, the steps, the dispatcher, billing and a live site."""
    async with database.write() as connection:
        project = (await read_registered(connection, crowd[0])).project_id
        await connection.execute(
            update(Project).values(status=ProjectStatus.HANDED_OVER, handed_over_at=NOW)
        )
    transaction = await _bills(database, crowd[0])
    nobody = cast("Client", None)
    reconciler = Reconciler(nobody, database, now=lambda: NOW)
    steps = [*reconciler._steps, reconciler._invitations]
    with heard(database) as statements:
        async with database.read() as connection:
            for step in steps:
                await step._read(connection, after=step._first, limit=200)
            await newest_runs(connection, project, limit=100)
            await charge_points_by_run(connection, project, limit=100)
            await Runs(connection).latest(crowd[0])
            running = await running_sessions(connection, project, before=None, limit=100)
            await HeldRecords(connection, project).count()
        await reconciler._forget()
        await Dispatcher(nobody, database, now=lambda: NOW).dispatch()
        await Dispatcher(nobody, database, now=lambda: NOW).look_after()
        await StoredPowerSharing(database, load_catalogue(), now=lambda: NOW).read_site(
            SiteQuestion(project_id=project)
        )
        bills = StoredBilling(database, load_catalogue(), now=lambda: NOW)
        settled = await bills.bill(
            BillTransaction(charge_point_id=crowd[0], transaction_id=str(transaction))
        )
    assert len(running) == CHARGE_POINTS
    assert settled.cdr_ids
    assert len(statements) > len(steps)
    # All runs of a charge point, of any of which a session may have the tag: once a bill.
    (rare,) = [one for one in statements if one.startswith(_ALL_RUNS) and "CASE" in one]
    del statements[rare]
    await assert_all_look_at_few(database, statements, pages=False)


async def test_a_report_of_many_charge_points_asks_no_more_than_that_of_one(
    database: Database, crowd: list[str]
) -> None:
    async with database.read() as connection:
        project = (await read_registered(connection, crowd[0])).project_id
        reports = Reports(connection, load_catalogue())
        with counted(database) as of_one:
            await reports.of_charge_point(crowd[0])
        with counted(database) as of_many, heard(database) as statements:
            report = await reports.of_project(project)
    assert len(report.charge_points) == CHARGE_POINTS
    assert len(of_many) == len(of_one)
    await assert_all_look_at_few(database, statements)


async def _bills(database: Database, charge_point_id: str) -> int:
    """Have its project bill, at the power that its registers show; return a session that is due."""
    tariff = stored_tariff(energy_tariff(), valid_from=NOW - timedelta(days=999))
    async with database.write() as connection:
        project = (await read_registered(connection, charge_point_id)).project_id
        installer = await connection.scalar(select(col(Project.installer_id)))
        await Tariffs(connection, project).add(replace(tariff, set_by=installer or ""), by=ENGINE)
        await BillingActivation(connection, project).activate(at=NOW - timedelta(days=999))
        await connection.execute(update(ChargePoint).values(vendor="Of nobody", model="Unknown"))
        session = (await connection.execute(_newest_session(charge_point_id))).one()
        due = update(Transaction).where(col(Transaction.id) == session.id).values(billing="due")
        await connection.execute(due)
    return int(session.id)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("believed", [-1, 2, 1_000_000])
async def test_a_herd_is_let_in_whatever_the_database_believes_of_its_rows(
    database: Database, crowd: list[str], believed: float
) -> None:
    """Statistics are of a sample: one day's said that to look at all sessions is cheaper."""
    column = "ALTER TABLE transactions ALTER COLUMN charge_point_id"
    async with database.write() as connection:
        await connection.execute(text(f"{column} SET (n_distinct = {believed})"))
        await connection.execute(text("ANALYZE transactions"))
    links = [record for of in crowd for record in records_of(of) if isinstance(record, Connected)]
    with heard(database) as statements:
        async with database.write() as connection:
            await nodes.beat(connection, NODES[0])
            await store_facts(connection, links)
    assert any("transactions" in statement for statement in statements)
    await assert_all_look_at_few(database, statements)
