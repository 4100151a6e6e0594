"""A node is killed: it tells of no disconnection, and nobody serves its queue."""

from collections import Counter
from datetime import timedelta

import pytest

from domain import operations as op
from domain.commissioning import RunOptions
from domain.failures import FailureCode
from domain.ownership import Whereabouts
from domain.states import CheckResult, RunStatus
from tests.workflows.charger import ScriptedChargePoint
from tests.workflows.conftest import Stage, StageMaker
from workflows import policies

_DEAD = "node_dead"
_DEATHS = 3  # with three tries each, more than a run makes when it counts them


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """This time cannot be skipped."""
    monkeypatch.setattr(policies, "NODE_PICKUP", timedelta(seconds=1))


def _noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the directory says of a dead node: at the third look it has not beaten for 15 s."""
    looks = Counter[int]()

    async def locate(_charge_point_id: str) -> Whereabouts:
        charger = stage.charger
        looks[charger.generation] += 1
        noticed = charger.node_id == _DEAD and looks[charger.generation] > 2
        return Whereabouts(connection=None if noticed else charger.connection())

    monkeypatch.setattr(stage.records, "locate", locate)


def _moves_to_the_dead_after_configuration(
    charger: ScriptedChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure = charger.apply_configuration

    async def apply(request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        outcome = await configure(request)
        charger.node_id = _DEAD
        await charger.connect()
        return outcome

    monkeypatch.setattr(charger, "apply_configuration", apply)


async def test_a_run_waits_for_the_charge_point_of_a_dead_node(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    charger = stage.charger
    alive, charger.node_id = charger.node_id, _DEAD
    _noticed(stage, monkeypatch)
    handle = await stage.start()
    await stage.env.sleep(timedelta(minutes=2))
    charger.node_id = alive
    await charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


async def test_a_run_that_starts_at_the_death_of_the_node_waits_as_for_any_connection(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    stage.charger.node_id = _DEAD
    _noticed(stage, monkeypatch)
    wait = timedelta(hours=2)
    view = await stage.verdict(RunOptions(wait_for_connection=wait))
    assert view.failure is not None
    assert view.failure.code == FailureCode.NEVER_CONNECTED
    assert stage.records.waits, "the installer is told that the run waits for the connection"
    check = view.checks[0]
    assert check.started_at is not None
    assert check.ended_at is not None
    assert check.ended_at - check.started_at >= wait


async def test_in_the_middle_of_a_run_it_is_waited_for_as_for_a_reconnect(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    _moves_to_the_dead_after_configuration(stage.charger, monkeypatch)
    _noticed(stage, monkeypatch)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTION_LOST
    (check,) = [check for check in view.checks if check.result is CheckResult.FAILED]
    assert check.started_at is not None
    assert check.ended_at is not None
    assert check.ended_at - check.started_at >= RunOptions().pace.reconnect


async def test_nodes_that_die_under_it_one_after_the_other_do_not_fail_a_run(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent to any of them, so none of them counts as a link that broke."""
    stage = await set_stage()
    charger, alive = stage.charger, stage.charger.node_id
    charger.node_id = _DEAD
    _noticed(stage, monkeypatch)
    handle = await stage.start()
    for _ in range(_DEATHS):
        await stage.env.sleep(timedelta(minutes=1))
        await charger.connect()
    await stage.env.sleep(timedelta(minutes=1))
    charger.node_id = alive
    await charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
