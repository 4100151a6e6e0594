"""A run whose charge point several links speak as: it waits, and fails for nothing of that time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import operations as op
from domain.commissioning import RunOptions
from domain.facts import EventKind
from domain.states import RunStatus, WaitingFor
from tests.workflows.charger import ScriptedChargePoint
from tests.workflows.conftest import StageMaker

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
