"""What a run waits for is in its status: for what, and until when."""

from datetime import timedelta

import pytest

from domain.commissioning import RunAnswer
from domain.facts import EventKind
from domain.rules.sampling import SAMPLE_INTERVAL
from domain.states import CheckResult, ConnectorStatus, InstallerAnswer, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import PACE, Stage, StageMaker
from workflows import policies
from workflows.commissioning import CommissioningWorkflow


@pytest.mark.parametrize(
    ("behaviour", "waiting_for", "how_long", "words"),
    [
        (
            Behaviour(heartbeats=False),
            WaitingFor.HEARTBEAT,
            PACE.heartbeat,
            "The charge point is to send a heartbeat; it does so by itself every 60 s.",
        ),
        (
            Behaviour(number_of_connectors=2, heals_when_made_available=False),
            WaitingFor.STATUS,
            PACE.status,
            "The charge point is to say how its connectors are.",
        ),
        (
            Behaviour(statuses={1: ConnectorStatus.UNAVAILABLE}, heals_when_made_available=False),
            WaitingFor.STATUS,
            PACE.status,
            "Connector 1 is to become available; it was told to.",
        ),
        (
            Behaviour(meters=False),
            WaitingFor.METER,
            PACE.charge_at_most,
            (
                "The test charge on connector 1 goes on until its meter has counted. Leave the "
                "vehicle or the tester plugged in. It waits for the next reading, which the "
                "charge point sends every 30 s."
            ),
        ),
        (
            Behaviour(stops=False, reports={SAMPLE_INTERVAL: "0"}),
            WaitingFor.END,
            PACE.stop,
            "The charge point was told to end the test charge, and is to say that it has.",
        ),
    ],
    ids=["heartbeat", "status", "availability", "meter", "end"],
)
async def test_a_wait_is_shown(
    set_stage: StageMaker,
    behaviour: Behaviour,
    waiting_for: WaitingFor,
    how_long: timedelta,
    words: str,
) -> None:
    stage = await set_stage(behaviour)
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()

        async def shown() -> None:
            waiting = (await handle.query(CommissioningWorkflow.status)).waiting
            assert waiting is not None
            assert (waiting.waiting_for, waiting.prompt) == (waiting_for, words)
            assert waiting.until - waiting.since == how_long
            assert not waiting.answers

        await eventually(shown)
    assert not stage.records.waits, "it is for nobody, and in no list"
    await handle.terminate()


async def test_a_charge_point_that_goes_offline_in_the_middle_is_waited_for(
    set_stage: StageMaker,
) -> None:
    """Behind what the check asks, which can be answered all the same."""
    stage = await set_stage(Behaviour(starts=False))
    charger = stage.charger
    handle = await stage.start()
    await eventually(lambda: _started(stage))
    charger.behaviour.online = False
    await charger.tell(EventKind.DISCONNECTED, connection=charger.connection())
    await stage.env.sleep(PACE.vehicle_prompt + timedelta(seconds=30))  # it is asked once more
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.CONNECTION
    # It may have been a node of ours that went: nobody is blamed, nobody is sent there.
    assert "on its side or on the server's" in waiting.prompt
    assert "Check" not in waiting.prompt
    await stage.env.sleep(policies.COMES_BACK_BY_ITSELF)
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.CONNECTION
    assert waiting.prompt == "The charge point went offline. Check its power and its network."
    assert waiting.until - waiting.since == PACE.reconnect
    assert waiting.answers == (InstallerAnswer.SKIP,)
    skip = RunAnswer(answer=InstallerAnswer.SKIP, note="No vehicle", by="alex@acme.com")
    asked = await handle.execute_update(CommissioningWorkflow.answer, skip)
    assert asked.waiting_for is WaitingFor.VEHICLE
    view = await stage.verdict_of(handle)
    assert view.checks[3].result is CheckResult.SKIPPED
    assert view.waiting is None


async def test_a_run_says_that_it_waits_for_its_turn(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.busy_for = 1_000
    handle = await stage.start()
    await stage.env.sleep(timedelta(seconds=30))
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.TURN
    assert waiting.until - waiting.since == policies.OWNERSHIP_PATIENCE
    stage.records.busy_for = 0
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


def _started(stage: Stage) -> None:
    assert stage.charger.received["start_test_transaction"] == 1
