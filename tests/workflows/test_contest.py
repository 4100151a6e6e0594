"""A run whose charge point several links speak as: it waits, and fails for nothing of that time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import operations as op
from domain.commissioning import RunOptions
from domain.facts import EventKind
from domain.states import RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour, ScriptedChargePoint
from tests.workflows.conftest import PACE, StageMaker
from workflows.commissioning import CommissioningWorkflow

_LONG = timedelta(days=3)


async def contested(charger: ScriptedChargePoint) -> None:
    """A stranger comes beside the charge point."""
    charger.generation += 1
    link = replace(charger.connection(), connected=False, contested=True)
    await charger.tell(EventKind.DISCONNECTED, connection=link)


async def test_it_goes_on_when_a_person_has_decided(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    charger = stage.charger
    configure = charger.apply_configuration
    begun: list[op.ApplyConfiguration] = []

    async def apply(request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        outcome = await configure(request)
        if not begun:
            begun.append(request)
            await contested(charger)
        return outcome

    monkeypatch.setattr(charger, "apply_configuration", apply)
    handle = await stage.start(RunOptions(wait_for_connection=timedelta(minutes=5)))
    await stage.env.sleep(_LONG)
    (*_, note) = stage.records.waits
    assert note.waiting is not None
    assert note.waiting.waiting_for is WaitingFor.INSTALLER
    assert "POST …/charge-points/cp_1/links/" in note.waiting.prompt
    await charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


async def test_a_wait_that_a_contest_cuts_short_begins_anew(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(heartbeats=False))
    charger = stage.charger
    handle = await stage.start()

    async def waits_for_a_heartbeat() -> None:
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.HEARTBEAT

    with stage.env.auto_time_skipping_disabled():
        await eventually(waits_for_a_heartbeat)
    await stage.env.sleep(PACE.heartbeat - timedelta(seconds=20))
    await contested(charger)
    await stage.env.sleep(timedelta(seconds=10))
    await charger.connect()  # it was kept, ten seconds before the end of the first wait
    await stage.env.sleep(PACE.heartbeat - timedelta(seconds=20))
    await waits_for_a_heartbeat()
    await charger.tell(EventKind.HEARTBEAT)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
