"""A cancel ends a run within seconds wherever it is, and what it leaves is put right afterwards."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from domain.checks import RunView
from domain.commissioning import AvailabilityOwed, CancelRequest
from domain.facts import EventKind
from domain.names import RUN_CLOSING
from domain.states import CheckResult, ConnectorStatus, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.after_run import AvailabilityWorkflow
from workflows.commissioning import CommissioningWorkflow

Handle = WorkflowHandle[CommissioningWorkflow, RunView | None]
Moment = Callable[[Stage, Handle], Awaitable[None]]
WITHIN = timedelta(seconds=45)
"""Of the workflow's time: some twenty seconds, and what a busy machine adds to them."""

BY_ALEX = CancelRequest(by="alex@acme.com", reason="Wrong bay")
UNAVAILABLE = {
    1: ConnectorStatus.UNAVAILABLE,
    2: ConnectorStatus.UNAVAILABLE,
    3: ConnectorStatus.FINISHING,
}


async def view_of(handle: Handle) -> RunView:
    return await handle.query(CommissioningWorkflow.status)


async def goes_offline(stage: Stage) -> None:
    stage.charger.behaviour.online = False
    await stage.charger.tell(EventKind.DISCONNECTED, connection=stage.charger.connection())


def waits_for(what: WaitingFor) -> Moment:
    async def moment(_stage: Stage, handle: Handle) -> None:
        waiting = (await view_of(handle)).waiting
        assert waiting is not None
        assert waiting.waiting_for is what

    return moment


def was_asked(operation: str) -> Moment:
    async def moment(stage: Stage, _handle: Handle) -> None:
        assert stage.charger.received[operation] >= 1

    return moment


async def charges(stage: Stage, handle: Handle) -> None:
    assert stage.charger.transaction is not None
    assert [step.name for step in (await view_of(handle)).checks[3].steps] == ["started"]


async def configures(_stage: Stage, handle: Handle) -> None:
    assert (await view_of(handle)).checks[0].result is CheckResult.RUNNING


MOMENTS: dict[str, tuple[Behaviour, Moment, bool]] = {
    "never connected": (Behaviour(online=False), waits_for(WaitingFor.CONNECTION), False),
    "being configured": (Behaviour(), configures, False),
    "restarting": (
        Behaviour(reboot_for=frozenset({"HeartbeatInterval"}), comes_back=False),
        was_asked("reset"),
        False,
    ),
    "to be unplugged": (
        Behaviour(number_of_connectors=3, statuses=dict(UNAVAILABLE)),
        waits_for(WaitingFor.UNPLUG),
        False,
    ),
    "to be unplugged, offline": (
        Behaviour(number_of_connectors=3, statuses=dict(UNAVAILABLE)),
        waits_for(WaitingFor.UNPLUG),
        True,
    ),
    "just asked to start": (Behaviour(starts=False), was_asked("start_test_transaction"), False),
    "charging": (Behaviour(meters=False), charges, False),
    "charging, offline": (Behaviour(meters=False), charges, True),
    "charging without end": (Behaviour(meters=False, stops=False), charges, False),
}


@pytest.mark.parametrize("name", MOMENTS)
async def test_a_cancel_at_any_moment(set_stage: StageMaker, name: str) -> None:
    behaviour, moment, offline = MOMENTS[name]
    stage = await set_stage(replace(behaviour, statuses=dict(behaviour.statuses)))
    if moment is configures:
        stage.charger.configurable.clear()
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: moment(stage, handle))
        if offline:
            await goes_offline(stage)
        asked_at = await stage.env.get_current_time()
        await handle.execute_update(CommissioningWorkflow.cancel, BY_ALEX)
    stage.charger.configurable.set()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    closed = await handle.describe()
    assert closed.status is WorkflowExecutionStatus.CANCELED
    assert closed.close_time is not None
    assert closed.close_time - asked_at < WITHIN
    (verdict,) = stage.records.verdicts
    assert (verdict.status, verdict.cancelled_by, verdict.cancel_reason) == (
        RunStatus.CANCELLED,
        "alex@acme.com",
        "Wrong bay",
    )
    assert not verdict.cleaning_up


async def test_what_cannot_be_put_back_is_owed(set_stage: StageMaker) -> None:
    behaviour, moment, _ = MOMENTS["to be unplugged, offline"]
    stage = await set_stage(replace(behaviour, statuses=dict(behaviour.statuses)))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: moment(stage, handle))
        await goes_offline(stage)
        await handle.cancel()
        await eventually(lambda: _cleans_up(handle))
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert stage.charger.operative == {1: True, 2: True}
    assert stage.records.verdicts[0].alarms == (
        (
            "Unavailable before the run, and not made so again yet: connector 1 and 2. "
            "The engine does it once the charge point is connected."
        ),
    )
    owed = await stage.env.client.get_workflow_handle("availability-com_1").describe()
    assert owed.status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize(("newest", "operative"), [("com_1", {2: False}), ("com_2", {})])
async def test_what_is_owed_is_put_back_once_it_is_there(
    set_stage: StageMaker, newest: str, operative: dict[int, bool]
) -> None:
    """Unless another run has begun: it takes the connector as it finds it."""
    stage = await set_stage(Behaviour(online=False, heals_when_made_available=False))
    owing = await stage.env.client.start_workflow(
        AvailabilityWorkflow.run,
        AvailabilityOwed(charge_point_id="cp_1", commissioning_id="com_1", connector_ids=(2,)),
        id="availability-com_1",
        task_queue=stage.task_queue,
    )
    await stage.env.sleep(timedelta(hours=1))
    assert stage.charger.operative == {}
    stage.records.newest_run = newest
    stage.charger.behaviour.online = True
    await owing.result()
    assert stage.charger.operative == operative


async def test_nothing_is_owed_to_one_that_was_withdrawn(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    owing = await stage.env.client.start_workflow(
        AvailabilityWorkflow.run,
        AvailabilityOwed(charge_point_id="cp_1", commissioning_id="com_1", connector_ids=(2,)),
        id="availability-com_1",
        task_queue=stage.task_queue,
    )
    await stage.env.sleep(timedelta(hours=1))
    assert (await owing.describe()).status is WorkflowExecutionStatus.RUNNING
    stage.records.withdrawn = True
    await owing.result()
    assert stage.charger.operative == {}


async def _cleans_up(handle: Handle) -> None:
    view = await view_of(handle)
    assert (view.status, view.cleaning_up) == (RunStatus.IN_PROGRESS, True)


async def _boots_until_it_cleans_up(stage: Stage, handle: Handle) -> None:
    """Once more at each look: of boots at the same time a snapshot tells the last alone."""
    await stage.charger.connect()
    await _cleans_up(handle)


async def test_a_cancel_that_comes_after_the_checks(set_stage: StageMaker) -> None:
    """A boot loop ends them just after a start was asked for, which may still come."""
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: was_asked("start_test_transaction")(stage, handle))
        await eventually(lambda: _boots_until_it_cleans_up(stage, handle))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(CommissioningWorkflow.cancel, BY_ALEX)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == RUN_CLOSING
    view = await stage.verdict_of(handle)
    assert (view.status, view.cancelled_by) == (RunStatus.FAILED, None)


async def test_a_transaction_that_went_on_is_left_to_its_alarm(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(stops=False))
    await stage.verdict()
    assert 3 <= stage.charger.received["stop_test_transaction"] <= 4  # the alarm asks, too
