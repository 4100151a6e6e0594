"""A vehicle that comes when it likes: the start is asked for again, within bounds."""

from datetime import timedelta

import pytest

from domain.commissioning import RunAnswer
from domain.facts import EventKind, TransactionFact
from domain.failures import FailureCode
from domain.operations import Outcome, Reply, StartTestTransaction
from domain.states import CheckResult, ConnectorStatus, InstallerAnswer, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour
from tests.workflows.conftest import PACE, Stage, StageMaker, skip
from workflows.commissioning import CommissioningWorkflow

_NO_VEHICLE = RunAnswer(answer=InstallerAnswer.SKIP, note="No vehicle", by="alex@acme.com")


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
        await eventually(lambda: _asked(stage))
        stage.charger.behaviour.starts = True
        await stage.charger.set_status(1, ConnectorStatus.PREPARING)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["start_test_transaction"] == 2


async def test_a_vehicle_that_no_status_tells_of(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False))
    handle = await stage.start()
    await eventually(lambda: _asked(stage))
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


async def test_a_vehicle_is_asked_for_and_can_be_skipped_at_once(set_stage: StageMaker) -> None:
    """In the first minute, while the start that was accepted may still be followed."""
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.VEHICLE
        assert waiting.prompt == "Plug a vehicle or a tester into connector 1."
        assert waiting.answers == (InstallerAnswer.SKIP,)
        await skip(handle, _NO_VEHICLE)
    view = await stage.verdict_of(handle)
    assert view.checks[3].result is CheckResult.SKIPPED
    assert stage.charger.received["start_test_transaction"] == 1


async def test_a_clock_that_no_charge_shows_is_said_not_to_be_measured(
    set_stage: StageMaker,
) -> None:
    """The test charge was to show it, and somebody skips that."""
    stage = await set_stage(Behaviour(starts=False, clock_skew_s=None, meters=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        await skip(handle, _NO_VEHICLE)
    check = (await stage.verdict_of(handle)).checks[3]
    assert check.result is CheckResult.SKIPPED
    assert check.needs_review
    assert "its clock was not measured" in " ".join(check.notes)


async def test_a_cable_that_is_in_is_not_asked_for(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False, statuses={1: ConnectorStatus.PREPARING}))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.START
        assert waiting.answers == (InstallerAnswer.SKIP,)
    await stage.env.sleep(timedelta(seconds=70))
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.VEHICLE
    assert waiting.prompt == "Plug a vehicle or a tester into connector 1 anew."
    await handle.cancel()


async def test_a_cable_that_is_pulled_is_asked_for(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False, statuses={1: ConnectorStatus.PREPARING}))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        to_start = (await handle.query(CommissioningWorkflow.status)).waiting
        assert to_start is not None
        assert to_start.waiting_for is WaitingFor.START
        await stage.charger.set_status(1, ConnectorStatus.AVAILABLE)

        async def shown() -> None:
            waiting = (await handle.query(CommissioningWorkflow.status)).waiting
            assert waiting is not None
            assert waiting.waiting_for is WaitingFor.VEHICLE
            assert waiting.prompt == "Plug a vehicle or a tester into connector 1."

        await eventually(shown)
        assert await stage.env.get_current_time() < to_start.until, "it was asked for at once"
    await handle.cancel()


@pytest.mark.parametrize("tells", [True, False], ids=["by its status", "by its configuration"])
async def test_a_cable_after_the_time_out_of_the_charge_point_is_answered_at_once(
    set_stage: StageMaker, *, tells: bool
) -> None:
    """It remembers a start for 20 s; the cable comes after 30 s."""
    stage = await set_stage(Behaviour(starts=False, connection_timeout_s=None if tells else 20))
    handle = await stage.start()
    await eventually(lambda: _asked(stage))
    if tells:  # of the start, and of its end
        await stage.charger.set_status(1, ConnectorStatus.PREPARING)
        await stage.charger.set_status(1, ConnectorStatus.AVAILABLE)
    await stage.env.sleep(timedelta(seconds=30))
    _asked(stage)
    stage.charger.behaviour.starts = True
    with stage.env.auto_time_skipping_disabled():  # no timer of the run ends meanwhile
        await stage.charger.set_status(1, ConnectorStatus.PREPARING)
        await eventually(lambda: _asked(stage, 2))
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


async def test_a_cable_that_comes_in_time_brings_no_other_start(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False, connection_timeout_s=120))
    handle = await stage.start()
    await eventually(lambda: _asked(stage))
    await stage.env.sleep(timedelta(seconds=40))
    await stage.charger.set_status(1, ConnectorStatus.PREPARING)
    await stage.env.sleep(timedelta(seconds=40))
    _asked(stage)
    await stage.charger.start("A1B2C3D4E5F60718293A", 1)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    _asked(stage)


def _asked(stage: Stage, times: int = 1) -> None:
    assert stage.charger.received["start_test_transaction"] == times


async def test_a_start_that_may_be_lost_is_asked_for_each_minute(set_stage: StageMaker) -> None:
    """No vehicle that is there already would tell of it; no prompt is worth waiting for."""
    stage = await set_stage(Behaviour(start_reply=Reply.UNKNOWN, starts=False))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "transaction_not_started"
    assert stage.charger.received["start_test_transaction"] >= timedelta(minutes=10) / timedelta(
        minutes=1
    )


_NO_ANSWER = [Reply.UNKNOWN, Reply.TIMEOUT]


@pytest.mark.parametrize("reply", _NO_ANSWER)
async def test_a_start_that_was_not_answered_is_not_said_to_be_accepted(
    set_stage: StageMaker, reply: Reply
) -> None:
    stage = await set_stage(Behaviour(start_reply=reply, starts=False))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.cause.startswith(
        "The charge point did not answer the request for the test charge on connector 1, and no "
    )


@pytest.mark.parametrize("reply", _NO_ANSWER)
@pytest.mark.parametrize("refused_first", [True, False])
async def test_a_refusal_is_told_beside_a_start_that_was_not_answered(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch, reply: Reply, *, refused_first: bool
) -> None:
    replies = [Reply.REJECTED, reply] if refused_first else [reply, Reply.REJECTED]
    stage = await set_stage(Behaviour(starts=False))
    charger = stage.charger
    ask = charger.start_test_transaction

    async def start(request: StartTestTransaction) -> Outcome:
        charger.behaviour.start_reply = replies[0] if len(replies) == 1 else replies.pop(0)
        return await ask(request)

    monkeypatch.setattr(charger, "start_test_transaction", start)
    view = await stage.verdict()
    assert len(replies) == 1
    assert view.failure is not None
    assert view.failure.code == FailureCode.TRANSACTION_REJECTED


@pytest.mark.parametrize(
    ("id_tag", "said"),
    [
        ("FREEVEND", "with the tag 'FREEVEND', which is not that of the test:"),
        ("", "without an id tag:"),
    ],
)
async def test_a_charge_with_its_own_tag_is_recognised_within_seconds(
    set_stage: StageMaker, id_tag: str, said: str
) -> None:
    """And stopped: it is in the way of the test charge, and nobody would end it."""
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        stage.charger.transaction = TransactionFact(
            transaction_id="8", connector_id=1, id_tag=id_tag, started_at=EPOCH, meter_start=0
        )
        told_at = await stage.env.get_current_time()
        await stage.charger.tell(
            EventKind.TRANSACTION_STARTED, transaction=stage.charger.transaction
        )
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == FailureCode.STARTED_BY_ITSELF
    assert f"A charge began on connector 1 {said}" in view.failure.cause
    assert "It was stopped." in view.failure.cause
    assert "Switch that off" in view.failure.action
    assert stage.charger.received["stop_test_transaction"] == 1
    ended_at = view.checks[-1].ended_at
    assert ended_at is not None
    assert ended_at - told_at < timedelta(seconds=10)


async def test_the_end_of_a_charge_that_nobody_asked_for_is_waited_for(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(starts=False, stops=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        stage.charger.transaction = TransactionFact(
            transaction_id="8", connector_id=1, id_tag="FREEVEND", started_at=EPOCH, meter_start=0
        )
        await stage.charger.tell(
            EventKind.TRANSACTION_STARTED, transaction=stage.charger.transaction
        )

        async def shown() -> None:
            waiting = (await handle.query(CommissioningWorkflow.status)).waiting
            assert waiting is not None
            assert waiting.waiting_for is WaitingFor.END
            assert "a charge that nobody asked for" in waiting.prompt
            assert waiting.until - waiting.since == PACE.stop

        await eventually(shown)
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert "It could not be stopped and goes on." in view.failure.cause


@pytest.mark.parametrize("queued", [False, True])
async def test_a_charge_with_its_own_tag_that_ends_as_it_is_refused(
    set_stage: StageMaker, *, queued: bool
) -> None:
    """It is named in the end, unless it is of before and came late, out of a queue."""
    stage = await set_stage(Behaviour(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _asked(stage))
        now = await stage.env.get_current_time()
        charge = TransactionFact(
            transaction_id="8",
            connector_id=1,
            id_tag="FREEVEND",
            started_at=now - timedelta(days=1) if queued else now,
            meter_start=0,
            stopped_at=now,
            meter_stop=0,
        )
        await stage.charger.tell(EventKind.TRANSACTION_STOPPED, transaction=charge)
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    if queued:
        assert view.failure.code == FailureCode.TRANSACTION_NOT_STARTED
    else:
        assert view.failure.code == FailureCode.STARTED_BY_ITSELF
        assert "'FREEVEND'" in view.failure.cause
        assert "It has ended." in view.failure.cause
    assert stage.charger.received["stop_test_transaction"] == 0
