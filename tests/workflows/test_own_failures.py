"""Whatever goes wrong in the engine itself, every accepted start reaches a verdict."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner

from domain import operations as op
from domain.facts import EventKind
from domain.failures import FailureCode
from domain.states import RunStatus
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from tests.workflows.supply import Supply


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

        await eventually(waits_for_a_vehicle)
        for _ in range(200):
            await stage.charger.tell(EventKind.HEARTBEAT)
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == FailureCode.NEVER_AT_REST
    history = await handle.fetch_history()
    assert len(history.events) < 1_000
    stage.charger.behaviour.starts = True  # a vehicle is there, and it is at rest
    stage.records.verdicts.clear()
    again = await stage.verdict_of(await stage.start(previous=view))
    assert again.status is RunStatus.COMPLETED, again.failure


def _heals_the_operation(stage: Stage) -> None:
    del stage.charger.apply_configuration


def _lets_go(stage: Stage) -> None:
    stage.records.busy_for = 0


def _holds_the_link(stage: Stage) -> None:
    stage.charger.gone_for.clear()


def _has_a_good_signal(stage: Stage) -> None:
    stage.charger.behaviour.ping_ms = 20


def _breaks_the_operation(stage: Stage) -> None:
    async def broken(_request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        raise ZeroDivisionError

    stage.charger.apply_configuration = broken  # type: ignore[method-assign, assignment]


def _holds_on(stage: Stage) -> None:
    stage.records.busy_for = 10_000


def _breaks_the_link(stage: Stage) -> None:
    stage.charger.gone_for["apply_configuration"] = 1000


def _has_a_bad_signal(stage: Stage) -> None:
    stage.charger.behaviour.ping_ms = 9000


def _has_no_room(stage: Stage) -> None:
    stage.supply = Supply(room=False)


def _has_room(stage: Stage) -> None:
    stage.supply = Supply()


Change = Callable[[Stage], None]
MENDED: Mapping[FailureCode, tuple[Change, Change]] = {
    FailureCode.ENGINE_ERROR: (_breaks_the_operation, _heals_the_operation),
    FailureCode.CHARGE_POINT_BUSY: (_holds_on, _lets_go),
    FailureCode.NO_POWER: (_has_no_room, _has_room),
    FailureCode.CONNECTION_UNSTABLE: (_breaks_the_link, _holds_the_link),
    FailureCode.SLOW_LINK: (_has_a_bad_signal, _has_a_good_signal),
}
"""How each comes about, and what following its advice changes; see tests/faults/test_advice.py."""
MENDED_AT_LENGTH: Final = (FailureCode.NEVER_AT_REST,)
"""In the test of its own."""


@pytest.mark.parametrize("code", MENDED)
async def test_once_its_advice_is_followed_the_next_run_passes(
    set_stage: StageMaker, code: FailureCode
) -> None:
    breaks, mends = MENDED[code]
    stage = await set_stage()
    breaks(stage)
    failed = await stage.verdict()
    assert failed.failure is not None
    assert failed.failure.code == code
    mends(stage)
    stage.records.verdicts.clear()
    view = await stage.verdict_of(await stage.start(previous=failed))
    assert view.status is RunStatus.COMPLETED, view.failure
