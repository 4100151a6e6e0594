"""A run has one verdict: the first that was stored."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlmodel import col

from domain.audit import OPERATOR, AuditAction
from domain.checks import RunView
from domain.commissioning import (
    AN_OPERATOR,
    AnswerNote,
    CancelRequest,
    RunAnswer,
    RunOptions,
    RunVerdict,
    StartOrder,
)
from domain.ownership import Owner
from domain.rules.ended import ended_from_outside
from domain.states import InstallerAnswer, ProjectRole, Role, RunStatus, WaitingFor
from storage.audit import Audit
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.members import Members
from storage.models.charge_points import ChargePoint
from storage.models.facts import LogEntry
from storage.ownership import let_go, owned
from storage.run_orders import RunOrders
from storage.run_records import StoredRuns
from storage.runs import Runs
from tests.support.rows import AT, one_charge_point, run_request

_OWNER = Owner(workflow_id="commissioning-cp_1", execution="1")


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
        status = await connection.scalar(select(col(ChargePoint.status)))
        entries = await connection.scalar(select(func.count()).select_from(LogEntry))
    assert (status, entries) == ("commissioned", 1)


async def test_what_an_operator_does_is_on_the_audit_trail(database: Database) -> None:
    await one_charge_point(database)
    runs = StoredRuns(database, load_catalogue(), now=lambda: AT)
    order = StartOrder(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        installer_id="usr_1",
        started_by="Alex",
        options=RunOptions(),
    )
    async with database.write() as connection:
        await Members(connection, "prj_1").put("usr_1", ProjectRole.LEAD, at=AT)
        for _ in range(2):  # the same order, given again, is the same run
            request = (await RunOrders(connection, at=AT).start(order)).request
    assert (await runs.begin_run(request, owner=_OWNER)).accepted
    note = AnswerNote(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        project_id="prj_1",
        number=1,
        at=AT,
        asked=WaitingFor.INSTALLER,
        answer=RunAnswer(answer=InstallerAnswer.GIVE_UP, note="x" * 5000, by="Alex"),
    )
    await runs.note_answer(note)
    await runs.note_answer(note)  # an activity runs at least once
    view = RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.CANCELLED,
        checks=(),
        started_at=AT,
        completed_at=AT,
    )
    verdict = RunVerdict(view=view, cancel=CancelRequest(reason="Wrong bay"))
    await runs.finish_run(verdict, owner=_OWNER)
    await runs.finish_run(verdict, owner=_OWNER)
    async with database.read() as connection:
        entries = await Audit(connection, "prj_1").page(
            before=None, limit=10, reader=Role.SITE_OWNER
        )
    assert {(entry.actor, entry.target) for entry in entries} == {(OPERATOR, "cp_1")}
    cancelled, answered, started = entries
    assert (started.action, started.after and started.after["by"]) == (
        AuditAction.COMMISSIONING_STARTED,
        "Alex",
    )
    assert answered.action is AuditAction.COMMISSIONING_ANSWERED
    assert answered.after == {
        "run": "com_1",
        "asked": "installer",
        "answer": "give_up",
        "note": "x" * 500,
        "by": "Alex",
    }
    assert cancelled.action is AuditAction.COMMISSIONING_CANCELLED
    assert cancelled.after == {"run": "com_1", "reason": "Wrong bay", "by": AN_OPERATOR}


async def test_a_run_that_has_lost_its_charge_point_takes_it_again(database: Database) -> None:
    await one_charge_point(database)
    runs = StoredRuns(database, load_catalogue(), now=lambda: AT)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
    await runs.begin_run(run_request(), owner=_OWNER)
    async with database.write() as connection:
        await let_go(connection, "cp_1", owner=_OWNER)
    await runs.catch_up(run_request(), owner=_OWNER)
    async with database.read() as connection:
        (held,) = await owned(connection, after="", limit=9)
    assert held.owner == _OWNER
    ended = ended_from_outside(run_request(), at=AT, how="terminated")
    await runs.finish_run(RunVerdict(view=ended), owner=_OWNER)
    await runs.catch_up(run_request(), owner=_OWNER)  # a late try of an ended run
    async with database.read() as connection:
        assert await owned(connection, after="", limit=9) == []
