"""A vehicle that comes when it likes: the start is asked for again, within bounds."""

from datetime import timedelta

import pytest

from domain.operations import Outcome, Reply, StartTestTransaction
from domain.states import ConnectorStatus, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.commissioning import CommissioningWorkflow


async def test_a_cable_that_goes_in_before_the_refusal_is_heard(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(Behaviour(start_reply=Reply.REJECTED))
    charger = stage.charger
    refuse = charger.start_test_transaction

    async def start(request: StartTestTransaction) -> Outcome:
        outcome = await refuse(request)
        if charger.behaviour.start_reply is Reply.REJECTED:
            await charger.set_status(1, ConnectorStatus.PREPARING)
            charger.behaviour.start_reply = Reply.ACCEPTED
        return outcome

    monkeypatch.setattr(charger, "start_test_transaction", start)
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert charger.received["start_test_transaction"] == 2


async def test_a_cable_that_goes_in_while_the_transaction_is_waited_for(
    set_stage: StageMaker,
) -> None:
    """The charge point has forgotten the start, as it may."""
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage), within=45)
        stage.charger.behaviour.starts = True
        await stage.charger.set_status(1, ConnectorStatus.PREPARING)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["start_test_transaction"] == 2


async def test_a_vehicle_that_no_status_tells_of(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False))
    handle = await stage.start()
    await eventually(lambda: _asked(stage), within=45)
    await stage.env.sleep(timedelta(seconds=90))
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.VEHICLE
    assert waiting.until - waiting.since == timedelta(minutes=15)
    stage.charger.behaviour.starts = True
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


async def test_a_start_is_not_asked_for_without_end(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports its cable anew with each start that it refuses."""
    stage = await set_stage(Behaviour(start_reply=Reply.REJECTED))
    charger = stage.charger
    refuse = charger.start_test_transaction

    async def start(request: StartTestTransaction) -> Outcome:
        await charger.set_status(1, ConnectorStatus.AVAILABLE)
        outcome = await refuse(request)
        await charger.set_status(1, ConnectorStatus.PREPARING)
        return outcome

    monkeypatch.setattr(charger, "start_test_transaction", start)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "transaction_rejected"
    assert (
        charger.received["start_test_transaction"]
        <= timedelta(minutes=15) / timedelta(seconds=5) + 2
    )


def _asked(stage: Stage) -> None:
    assert stage.charger.received["start_test_transaction"] == 1
