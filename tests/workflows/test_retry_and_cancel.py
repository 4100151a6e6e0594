"""A retry keeps what still holds; a cancel leaves the charge point as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError

from domain.checks import RunView
from domain.commissioning import RunOptions
from domain.states import CheckResult, ConnectorStatus, RunStatus
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.commissioning import CommissioningWorkflow


async def test_a_retry_keeps_what_passed_and_repeats_what_failed(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(statuses={1: ConnectorStatus.FAULTED}))
    first = await stage.verdict()
    assert first.status is RunStatus.FAILED
    stage.records.verdicts.clear()
    stage.charger.behaviour.statuses[1] = ConnectorStatus.AVAILABLE
    second = await stage.verdict_of(await stage.start(previous=first))
    assert second.status is RunStatus.COMPLETED
    assert [check.kept_from for check in second.checks] == [None, "com_1", None, None]
    assert second.checks[1].evidence == first.checks[1].evidence
    assert second.previous_commissioning_id == "com_1"
    assert stage.charger.received["apply_configuration"] == 2  # the handshake is always done again


async def test_another_firmware_makes_everything_stale(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(statuses={1: ConnectorStatus.FAULTED}))
    first = await stage.verdict()
    stage.records.verdicts.clear()
    stage.charger.behaviour.firmware = "1.7.0"
    second = await stage.verdict_of(await stage.start(previous=first))
    assert [check.kept_from for check in second.checks] == [None] * 4
    assert second.checks[1].result is CheckResult.FAILED


async def test_values_chosen_since_make_stale_what_they_may_have_changed(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(firmware="1.7.0"))
    first = await stage.verdict()
    assert first.checks[2].result is CheckResult.PASSED
    stage.records.verdicts.clear()
    stage.records.configured_at = EPOCH + timedelta(seconds=1)
    second = await stage.verdict_of(await stage.start(previous=first))
    assert [check.kept_from for check in second.checks] == [None] * 4


async def test_a_cancel_puts_back_what_the_run_changed(set_stage: StageMaker) -> None:
    stage = await set_stage(
        Behaviour(
            number_of_connectors=2,
            statuses={1: ConnectorStatus.UNAVAILABLE, 2: ConnectorStatus.FINISHING},
        )
    )
    handle = await stage.start()

    async def waits_for_unplug() -> None:
        view = await handle.query("status", result_type=dict)
        assert (view["waiting"] or {}).get("waiting_for") == "unplug"

    with stage.env.auto_time_skipping_disabled():
        await eventually(waits_for_unplug)
        assert stage.charger.operative == {1: True}
        await handle.cancel()
        await eventually(lambda: _is_cancelled(stage.records.verdicts))
    assert stage.charger.operative == {1: False}


def _is_cancelled(verdicts: list[RunView]) -> None:
    assert [view.status for view in verdicts] == [RunStatus.CANCELLED]


@pytest.mark.parametrize("may_begin", [True, False])
async def test_the_verdict_that_was_stored_first_stands(
    set_stage: StageMaker, *, may_begin: bool
) -> None:
    stage = await set_stage(Behaviour(statuses={1: ConnectorStatus.FAULTED}))
    first = await stage.verdict()
    stage.charger.behaviour.statuses[1] = ConnectorStatus.AVAILABLE
    stage.records.stored_verdict = replace(first, alarms=("still running",))
    stage.records.accepted = may_begin
    handle = await stage.start(RunOptions(notify_on_complete=True))
    with pytest.raises(WorkflowFailureError, match="Workflow execution failed"):
        await handle.result()
    assert await handle.query(CommissioningWorkflow.status) == stage.records.stored_verdict
    await eventually(lambda: _mailed(stage))


async def _mailed(stage: Stage) -> None:
    assert stage.records.mailed == ["com_1"]
