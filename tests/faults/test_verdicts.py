"""Every fault of the simulator, over a real socket, ends in the verdict that it deserves."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from domain.checks import RunView
from domain.commissioning import RunOptions
from domain.states import CheckResult, RunStatus
from simulator import Fault
from storage.models.transactions import Transaction
from tests.faults.cases import GROUPS, Case, Verdict
from tests.faults.encores import Act
from tests.faults.stage import Stage, side_by_side


def test_every_fault_has_a_case() -> None:
    cases = [fault for group in GROUPS.values() for fault in group]
    assert sorted(cases) == sorted(Fault)


def test_whatever_fails_is_mended_by_what_its_action_says() -> None:
    """After which the next run passes; see also test_advice.py."""
    for group in GROUPS.values():
        for fault, case in group.items():
            assert (case.fails is None) == (case.mend is None), fault


# One group talks to PostgreSQL too; what the databases do differently is in these messages.
_STAGES = [(group, "sqlite") for group in GROUPS] + [("transactions", "postgresql")]


@pytest.mark.parametrize(("group", "database_url"), _STAGES, indirect=["database_url"])
async def test_each_fault_gets_the_verdict_it_deserves(stage: Stage, group: str) -> None:
    await side_by_side(
        f"{group} faults",
        (_commission(stage, fault, case) for fault, case in GROUPS[group].items()),
    )


async def _commission(stage: Stage, fault: Fault, case: Case) -> None:
    try:
        serial = f"SN-{list(Fault).index(fault)}"
        async with stage.powered(
            fault,
            *case.also,
            profile=case.profile,
            serial=serial,
            registered_serial=serial.ljust(case.plate_length, "0"),
        ) as charge_point:
            options = RunOptions(
                wait_for_connection=case.pace.boot, update_firmware=case.update_firmware
            )
            run = await stage.start(charge_point.identity, options=options, pace=case.pace)
            view = await stage.verdict(run)
            _judge(view, case)
            assert charge_point.remote_starts == case.starts
            assert charge_point.resets == case.resets
            assert charge_point.received["UpdateFirmware"] == case.updates
            assert await _transactions(stage, charge_point.identity) <= case.profile.connectors
            act = Act(stage=stage, fault=fault, charge_point=charge_point, run=run, view=view)
            if case.encore is not None:
                await case.encore(act)
            if case.mend is not None:
                await case.mend(act)
                again = await stage.retry(charge_point.identity)
                assert again.status is RunStatus.COMPLETED, again.failure
    except Exception as error:
        error.add_note(f"fault: {fault}")
        raise


def _judge(view: RunView, case: Case) -> None:
    notes = [note for check in view.checks for note in check.notes]
    assert _match(notes, case.notes), f"{view.failure}, {notes}"
    assert _match(view.alarms, case.alarms), view.alarms
    assert any(check.needs_review for check in view.checks) is case.needs_review
    if case.fails is not None:
        _judge_failure(view, case.fails)
        return
    assert view.status is RunStatus.COMPLETED, view.failure
    assert [check.result for check in view.checks] == [CheckResult.PASSED] * 4


def _judge_failure(view: RunView, deserved: Verdict) -> None:
    assert view.status is RunStatus.FAILED, (
        f"passed, and deserved {deserved.code}: {view.checks[-1].steps}"
    )
    (failed,) = [check for check in view.checks if check.result is CheckResult.FAILED]
    problem = failed.failure
    assert problem is not None
    assert problem == view.failure
    assert (failed.name, problem.code) == (deserved.check, deserved.code), problem
    assert fnmatchcase(problem.cause, deserved.cause), problem.cause
    assert problem.action == deserved.action.replace("{id}", view.charge_point_id)


def _match(texts: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(texts) == len(patterns) and all(
        fnmatchcase(text, pattern) for text, pattern in zip(texts, patterns, strict=True)
    )


async def _transactions(stage: Stage, charge_point_id: str) -> int:
    query = select(func.count()).where(col(Transaction.charge_point_id) == charge_point_id)
    async with stage.database.read() as connection:
        return await connection.scalar(query) or 0
