"""The verdict of a run whose workflow somebody has ended from outside."""

from datetime import datetime

from domain.checks import CheckRecord, RunView
from domain.commissioning import RunRequest
from domain.failures import FailureCode, addressed, failure
from domain.states import CheckName, CheckResult, RunStatus


def ended_from_outside(request: RunRequest, *, at: datetime, how: str) -> RunView:
    """Fail the run; ``how`` it was ended, in a word."""
    return RunView(
        commissioning_id=request.commissioning_id,
        charge_point_id=request.charge_point_id,
        status=RunStatus.FAILED,
        checks=tuple(
            CheckRecord(name=name, result=CheckResult.SKIPPED, skip_reason="The run was ended.")
            for name in CheckName
        ),
        started_at=request.started_at,
        completed_at=at,
        failure=addressed(
            failure(FailureCode.RUN_ENDED_FROM_OUTSIDE, how=how), request.charge_point_id
        ),
        previous_commissioning_id=request.previous_commissioning_id,
        run_test_transaction=request.options.run_test_transaction,
        test_connectors=request.options.test_connectors,
        started_by=request.started_by,
    )
