"""A run has one verdict: the first that was stored."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from domain.checks import RunView
from domain.commissioning import RunVerdict
from domain.states import RunStatus
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.run_records import StoredRuns
from storage.runs import Runs
from storage.tables import charge_points, log_entries
from tests.support.rows import AT, one_charge_point, run_request

_OWNER = "commissioning-cp_1"


async def test_a_second_verdict_changes_nothing_and_gets_the_first(database: Database) -> None:
    await one_charge_point(database)
    runs = StoredRuns(database, load_catalogue(), now=lambda: AT)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
    assert (await runs.begin_run(run_request(), owner=_OWNER)).accepted
    passed = RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.COMPLETED,
        checks=(),
        started_at=AT,
        completed_at=AT + timedelta(minutes=2),
    )
    stored = await runs.finish_run(RunVerdict(view=passed), owner=_OWNER)
    other = replace(passed, status=RunStatus.FAILED, completed_at=AT + timedelta(minutes=3))
    again = await runs.finish_run(RunVerdict(view=other), owner=_OWNER)
    assert stored.view == again.view == passed
    assert (await runs.begin_run(run_request(), owner=_OWNER)).verdict == passed
    async with database.read() as connection:
        status = await connection.scalar(select(charge_points.c.status))
        entries = await connection.scalar(select(func.count()).select_from(log_entries))
    assert (status, entries) == ("commissioned", 1)
