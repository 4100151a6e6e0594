"""Whose evidence a retry may keep: that of the newest run that has looked at its charge point."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.checks import CheckRecord, RunView, Step
from domain.commissioning import RunRequest
from domain.failures import FailureCode, failure
from domain.states import CheckName, CheckResult, RunStatus
from storage.engine import Database
from storage.kept_evidence import KeptEvidence, evidence_for
from storage.parameters import Parameters
from storage.runs import Runs
from tests.support.rows import AT, one_charge_point, run_request

_STEP = Step(name="identity", result=CheckResult.PASSED, at=AT, detail="It is the one.")


def _minutes(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


def _request(number: int, *, retry: bool = True) -> RunRequest:
    return replace(
        run_request(commissioning_id=f"com_{number}"),
        started_at=_minutes(number),
        previous_commissioning_id=f"com_{number - 1}" if number > 1 else None,
        from_scratch=not retry,
    )


def _view(request: RunRequest, handshake: CheckResult, *, steps: tuple[Step, ...] = ()) -> RunView:
    return RunView(
        commissioning_id=request.commissioning_id,
        charge_point_id="cp_1",
        status=RunStatus.CANCELLED,
        started_at=request.started_at,
        completed_at=request.started_at,
        checks=tuple(
            CheckRecord(name=name, result=handshake, steps=steps)
            if name is CheckName.OCPP_HANDSHAKE
            else CheckRecord(name=name)
            for name in CheckName
        ),
    )


async def _runs(database: Database, *views: tuple[RunRequest, RunView]) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        for request, view in views:
            await Runs(connection).create_starting(request)
            await Runs(connection).finish(view)


async def _evidence(database: Database, request: RunRequest) -> KeptEvidence:
    async with database.read() as connection:
        return await evidence_for(connection, request)


FIRST, SECOND, THIRD = _request(1, retry=False), _request(2), _request(3)
LOOKED = _view(FIRST, CheckResult.PASSED)
CUT_OFF = replace(
    _view(SECOND, CheckResult.SKIPPED),
    status=RunStatus.FAILED,
    failure=failure(FailureCode.RUN_ENDED_FROM_OUTSIDE, how="terminated"),
)


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        (_view(SECOND, CheckResult.SKIPPED), KeptEvidence(previous=LOOKED)),
        (
            _view(SECOND, CheckResult.SKIPPED, steps=(_STEP,)),
            KeptEvidence(previous=LOOKED, configured_at=_minutes(2)),
        ),
        (CUT_OFF, KeptEvidence(previous=LOOKED, configured_at=_minutes(2))),
        (
            _view(SECOND, CheckResult.PASSED),
            KeptEvidence(previous=_view(SECOND, CheckResult.PASSED)),
        ),
    ],
)
async def test_a_retry_that_came_to_nothing_hands_on_what_it_was_to_keep(
    database: Database, between: RunView, kept: KeptEvidence
) -> None:
    await _runs(database, (FIRST, LOOKED), (SECOND, between))
    assert await _evidence(database, THIRD) == kept


async def test_a_run_from_scratch_hands_on_nothing(database: Database) -> None:
    anew = _request(2, retry=False)
    await _runs(database, (FIRST, LOOKED), (anew, _view(anew, CheckResult.SKIPPED)))
    assert await _evidence(database, THIRD) == KeptEvidence()
    assert await _evidence(database, replace(SECOND, from_scratch=True)) == KeptEvidence()


async def test_the_newest_choice_of_a_value_counts(database: Database) -> None:
    await _runs(database, (FIRST, LOOKED))
    async with database.write() as connection:
        for key, minute in (("A", 7), ("B", 9), ("C", 8)):
            await Parameters(connection).queue("cp_1", {key: "1"}, at=_minutes(minute))
    assert await _evidence(database, SECOND) == KeptEvidence(
        previous=LOOKED, configured_at=_minutes(9)
    )
