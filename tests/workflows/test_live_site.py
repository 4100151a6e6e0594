"""A run at a live site is lent its charge point before it tells it anything, and gives it back."""

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus

from domain.commissioning import CancelRequest
from domain.names import CALLED_BACK_SIGNAL
from domain.power.service import CalledBack
from domain.states import RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.conftest import Stage, StageMaker
from tests.workflows.supply import Supply, SupplyWorkflow
from workflows.commissioning import CommissioningWorkflow


async def _asks(stage: Stage) -> list[bool]:
    """Whether each ask is for power, too."""
    assert stage.site is not None
    return [asked.power for asked in await stage.site.query(SupplyWorkflow.asks)]


async def _ended(stage: Stage) -> list[bool]:
    """The same, once it has been given back."""
    assert stage.site is not None
    return [asked.power for asked in await stage.site.result()]


async def test_it_asks_first_and_for_power_before_it_opens_a_connector(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.supply = Supply()
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert await _ended(stage) == [False, True]


async def test_nothing_is_told_before_it_is_lent_and_a_cancel_gives_back(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.supply = Supply(lends=False)
    handle = await stage.start()

    async def asked() -> None:
        view = await handle.query(CommissioningWorkflow.status)
        assert view.waiting is not None
        assert view.waiting.waiting_for is WaitingFor.TURN
        assert "The power of the site is shared" in view.waiting.prompt

    await eventually(asked)
    assert not stage.charger.received
    assert stage.site is not None
    await stage.site.terminate("the site is away")
    await handle.execute_update(CommissioningWorkflow.cancel, CancelRequest(by="alex@acme.com"))
    stage.site = await stage.env.client.start_workflow(
        SupplyWorkflow.run, Supply(), id=stage.site.id, task_queue=stage.task_queue
    )
    (view,) = await asyncio.gather(_verdict(stage))
    assert view is RunStatus.CANCELLED
    assert await _ended(stage) == [False]


async def _verdict(stage: Stage) -> RunStatus:
    async def there() -> RunStatus:
        (view,) = stage.records.verdicts
        return view.status

    return await eventually(there)


async def test_the_site_has_it_back_in_the_middle_and_the_run_goes_on(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.supply = Supply()
    stage.charger.behaviour.starts = False  # no vehicle is there yet
    handle = await stage.start()

    async def waits() -> None:
        view = await handle.query(CommissioningWorkflow.status)
        assert view.waiting is not None
        assert view.waiting.waiting_for in {WaitingFor.VEHICLE, WaitingFor.START}

    await eventually(waits)
    called = CalledBack(commissioning_id="com_1")
    await handle.signal(CALLED_BACK_SIGNAL, called)
    await handle.signal(CALLED_BACK_SIGNAL, CalledBack(commissioning_id="com_0"))

    async def asked_again() -> None:
        assert await _asks(stage) == [False, True, True]

    await eventually(asked_again)
    stage.charger.behaviour.starts = True
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert await _ended(stage) == [False, True, True]


async def test_a_run_without_power_fails_with_a_sentence_and_keeps_the_word(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.supply = Supply(room=False)
    handle = await stage.start()
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.cause == (
        "The supply had no room for a test charge beside the sessions that run, within 30 min."
    )
    assert await _ended(stage) == [False, True, False]
    closed = await handle.describe()
    assert closed.status is WorkflowExecutionStatus.FAILED
    assert closed.close_time is not None
    assert closed.close_time - closed.start_time >= timedelta(minutes=30)
