"""Whatever goes wrong in the engine itself, every accepted start reaches a verdict."""

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner

from domain import operations as op
from domain.facts import EventKind
from domain.failures import FailureCode
from domain.states import RunStatus
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import StageMaker


async def test_a_bug_in_an_operation_is_a_verdict(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        raise ZeroDivisionError

    stage = await set_stage()
    monkeypatch.setattr(stage.charger, "apply_configuration", broken)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.ENGINE_ERROR


async def test_an_outage_of_the_nodes_database_is_no_verdict(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    apply, refused = stage.charger.apply_configuration, iter(range(3))

    async def away_at_first(request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        for _ in refused:
            raise ConnectionRefusedError
        return await apply(request)

    monkeypatch.setattr(stage.charger, "apply_configuration", away_at_first)
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED


async def test_a_bug_in_the_stop_is_an_alarm(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_request: op.StopTestTransaction) -> op.Outcome:
        raise ZeroDivisionError

    stage = await set_stage()
    monkeypatch.setattr(stage.charger, "stop_test_transaction", broken)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.TRANSACTION_NOT_STOPPED
    assert len(view.alarms) == 1


async def test_a_charge_point_that_another_task_never_frees(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.busy_for = 10_000
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    assert view.failure is not None
    assert view.failure.code == FailureCode.CHARGE_POINT_BUSY
    assert view.failure.cause == (
        "Another task of the engine, configuration-cp_1, did not let go of the charge point within "
        "10 min."
    )


async def test_a_link_that_breaks_at_each_try(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.charger.gone_for["apply_configuration"] = 1000
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTION_UNSTABLE


async def test_more_events_than_a_run_can_take_are_a_verdict(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal would terminate it, much later, and nobody would clean up."""
    monkeypatch.setattr("workflows.policies.RUN_EVENTS", 200)
    # The sandbox would read that number anew.
    monkeypatch.setattr("tests.workflows.conftest.workflow_runner", UnsandboxedWorkflowRunner)
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()

        async def waits_for_a_vehicle() -> None:
            assert stage.charger.received["start_test_transaction"]

        await eventually(waits_for_a_vehicle, within=45)
        for _ in range(200):
            await stage.charger.tell(EventKind.HEARTBEAT)
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == FailureCode.NEVER_AT_REST
    history = await handle.fetch_history()
    assert len(history.events) < 1_000
