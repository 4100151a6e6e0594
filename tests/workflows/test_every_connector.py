"""A test charge on one connector after the other: what becomes of each, and of the run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.checks import CheckRecord, RunView
from domain.commissioning import RunAnswer, RunOptions, RunPace
from domain.id_tag import tag_of
from domain.operations import Outcome, Reply, StartTestTransaction
from domain.states import (
    CheckName,
    CheckResult,
    ConnectorChoice,
    ConnectorStatus,
    InstallerAnswer,
    RunStatus,
    WaitingFor,
)
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, ID_TAG, Behaviour
from tests.workflows.conftest import Stage, StageMaker, skip
from workflows.commissioning import CommissioningWorkflow

TWO = {1: ConnectorStatus.AVAILABLE, 2: ConnectorStatus.AVAILABLE}
_FIRST_CHARGE = timedelta(minutes=2)
PASSED, FAILED, SKIPPED = CheckResult.PASSED, CheckResult.FAILED, CheckResult.SKIPPED


def _two(**changes: object) -> Behaviour:
    return Behaviour(number_of_connectors=2, statuses=dict(TWO), **changes)  # type: ignore[arg-type]


def _test(view: RunView) -> CheckRecord:
    return next(check for check in view.checks if check.name is CheckName.TEST_TRANSACTION)


def _results(view: RunView) -> list[CheckResult]:
    return [test.result for test in _test(view).connectors]


def _starts(stage: Stage) -> Sequence[tuple[int, str]]:
    return [(one.connector_id, one.id_tag) for one in stage.charger.transactions.values()]


async def _waits_for_a_vehicle(
    handle: WorkflowHandle[CommissioningWorkflow, RunView | None], connector: int
) -> None:
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert waiting.waiting_for is WaitingFor.VEHICLE
    assert waiting.connector_id == connector
    assert waiting.prompt.startswith(f"Plug a vehicle or a tester into connector {connector}.")
    assert waiting.answers == (InstallerAnswer.SKIP,)


def _skip(connector: int | None = None, note: str = "No cable that long") -> RunAnswer:
    return RunAnswer(
        answer=InstallerAnswer.SKIP, note=note, by="alex@acme.com", connector_id=connector
    )


async def test_each_is_tested_with_a_tag_and_an_intent_of_its_own(set_stage: StageMaker) -> None:
    stage = await set_stage(_two())
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    check = _test(view)
    assert not check.needs_review
    assert _results(view) == [PASSED, PASSED]
    assert _starts(stage) == [(1, tag_of(ID_TAG, 1)), (2, tag_of(ID_TAG, 2))]
    one, two = check.connectors
    assert (one.evidence["transaction_id"], two.evidence["transaction_id"]) == ("7", "8")
    assert check.evidence == one.evidence
    assert [step.connector_id for step in check.steps if step.name == "started"] == [1, 2]
    assert all(one.stopped_at is not None for one in stage.charger.transactions.values())


async def test_the_meter_of_the_second_is_found_out(set_stage: StageMaker) -> None:
    stage = await set_stage(_two(stuck=frozenset({2})))
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    assert _results(view) == [PASSED, FAILED]
    assert view.failure is not None
    assert view.failure.code == "meter_stands_still"
    assert view.failure.cause.startswith("Connector 2: Power was reported")
    assert _test(view).evidence["connector_id"] == 2
    assert any(
        note.startswith("Connector 1 passed. A retry keeps that") for note in _test(view).notes
    )


async def test_nobody_at_the_second_fails_it_alone_and_a_retry_keeps_the_first(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(_two(starts_not_on=frozenset({2})))
    failed = await stage.verdict()
    assert failed.failure is not None
    assert failed.failure.code == "transaction_not_started"
    assert "connector 2" in failed.failure.cause
    assert _results(failed) == [PASSED, FAILED]
    one, two = _test(failed).connectors
    assert one.ended_at is not None
    assert two.ended_at is not None
    # The quarter of an hour is the second connector's own.
    assert two.ended_at - one.ended_at >= timedelta(minutes=15)

    stage.charger.behaviour.starts_not_on = frozenset()
    asked = stage.charger.received["start_test_transaction"]
    again = await _retry(stage, failed)
    assert again.status is RunStatus.COMPLETED, again.failure
    assert stage.charger.received["start_test_transaction"] == asked + 1
    one, two = _test(again).connectors
    assert (one.kept_from, two.kept_from) == ("com_1", None)
    assert (one.result, two.result) == (PASSED, PASSED)


async def test_a_retry_with_other_values_tests_each_again(set_stage: StageMaker) -> None:
    stage = await set_stage(_two(stuck=frozenset({2})))
    failed = await stage.verdict()
    stage.charger.behaviour.stuck = frozenset()
    stage.records.configured_at = EPOCH + timedelta(seconds=1)
    again = await _retry(stage, failed)
    assert again.status is RunStatus.COMPLETED, again.failure
    assert [test.kept_from for test in _test(again).connectors] == [None, None]


async def test_one_is_skipped_by_a_person(set_stage: StageMaker) -> None:
    stage = await set_stage(_two(starts_not_on=frozenset({2})))
    handle = await stage.start()
    await stage.env.sleep(_FIRST_CHARGE)
    with stage.env.auto_time_skipping_disabled():
        await eventually(lambda: _waits_for_a_vehicle(handle, 2))
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.prompt.endswith("The test of connector 1 has ended.")
        await skip(handle, _skip(2))
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    check = _test(view)
    assert check.result is PASSED
    assert check.needs_review
    assert _results(view) == [PASSED, SKIPPED]
    said = (
        "alex@acme.com skipped the test charge on connector 2 while a vehicle was waited for: "
        "No cable that long."
    )
    assert check.connectors[1].skip_reason == said
    assert check.connectors[1].decided_by == "alex@acme.com"
    assert check.notes == (f"Connector 2 was not tested: {said}",)
    assert [note.connector_id for note in stage.records.answers] == [2]


async def test_a_skip_that_comes_too_late_is_none_of_the_next(set_stage: StageMaker) -> None:
    """The same request twice, as after an answer that was lost."""
    stage = await set_stage(_two(starts=False))
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _waits_for_a_vehicle(handle, 1))
        await skip(handle, _skip(1))
        await eventually(lambda: _waits_for_a_vehicle(handle, 2))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await skip(handle, _skip(1))
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "answer_not_possible"
        assert "nothing about connector 1" in refused.value.cause.message
        await skip(handle, _skip(None, "Rain"))
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    check = _test(view)
    assert check.result is SKIPPED
    assert check.skip_reason is not None
    assert "connector 1 while a vehicle was waited for: No cable that long" in check.skip_reason
    assert "connector 2 while a vehicle was waited for: Rain" in check.skip_reason


@pytest.mark.parametrize(
    ("choice", "tested"), [(ConnectorChoice.FIRST, 1), ((2,), 2)], ids=["first", "by number"]
)
async def test_what_is_not_chosen_is_not_tested_and_named(
    set_stage: StageMaker, choice: ConnectorChoice | tuple[int, ...], tested: int
) -> None:
    stage = await set_stage(_two())
    view = await stage.verdict(RunOptions(test_connectors=choice))
    assert view.status is RunStatus.COMPLETED, view.failure
    assert [connector for connector, _ in _starts(stage)] == [tested]
    assert _test(view).needs_review
    (left_out,) = (one for one in _test(view).connectors if one.result is SKIPPED)
    assert left_out.connector_id == 3 - tested
    assert left_out.decided_by == view.started_by
    assert left_out.skip_reason is not None
    assert view.started_by in left_out.skip_reason


async def test_a_connector_that_is_not_there_fails_before_anybody_plugs_in(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(_two())
    view = await stage.verdict(RunOptions(test_connectors=(1, 3)))
    assert view.failure is not None
    assert view.failure.code == "connector_not_there"
    assert view.failure.cause == (
        "A test charge was asked for on connector 3; the charge point has connectors 1 and 2."
    )
    assert stage.charger.received["start_test_transaction"] == 0


async def test_one_that_cannot_be_stopped_ends_the_check(set_stage: StageMaker) -> None:
    """The next would be another charge that nobody can stop."""
    stage = await set_stage(_two(stops=False))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "transaction_not_stopped"
    assert _results(view) == [FAILED, SKIPPED]
    untested = _test(view).connectors[1]
    assert untested.decided_by is None
    assert untested.skip_reason == ("The test had ended on connector 1 (transaction_not_stopped).")


async def test_a_cancel_in_the_second_stops_it(set_stage: StageMaker) -> None:
    stage = await set_stage(_two(stuck=frozenset({2})))
    handle = await stage.start()
    await stage.env.sleep(_FIRST_CHARGE)
    with stage.env.auto_time_skipping_disabled():
        await eventually(lambda: _runs_on(stage, 2))
        await handle.cancel()
        await eventually(lambda: _has_verdict(stage))
    (view,) = stage.records.verdicts
    assert view.status is RunStatus.CANCELLED
    assert _results(view) == [PASSED, SKIPPED]
    assert _test(view).connectors[1].skip_reason == "The run was cancelled."
    assert all(one.stopped_at is not None for one in stage.charger.transactions.values())


async def test_a_start_that_comes_too_late_is_stopped_and_stands_for_nothing(
    set_stage: StageMaker,
) -> None:
    """Skipped while the charge point still remembered it; a vehicle came all the same."""
    stage = await set_stage(_two(starts=False))
    charger = stage.charger
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await eventually(lambda: _waits_for_a_vehicle(handle, 1))
        await skip(handle, _skip(1))
        await eventually(lambda: _waits_for_a_vehicle(handle, 2))
        await charger.start(tag_of(ID_TAG, 1), 1)
        await eventually(lambda: _all_ended(stage))
        await eventually(lambda: _waits_for_a_vehicle(handle, 2))
        await charger.start(tag_of(ID_TAG, 2), 2)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [SKIPPED, PASSED]


async def test_a_charge_point_that_takes_the_tag_of_the_start_before(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs on the connector that was asked for; that counts."""
    stage = await set_stage(_two())
    charger = stage.charger
    start = charger.start_test_transaction

    async def with_the_first_tag(request: StartTestTransaction) -> Outcome:
        return await start(replace(request, id_tag=tag_of(ID_TAG, 1)))

    monkeypatch.setattr(charger, "start_test_transaction", with_the_first_tag)
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _starts(stage) == [(1, tag_of(ID_TAG, 1)), (2, tag_of(ID_TAG, 1))]


async def test_a_second_that_is_unavailable_while_the_first_charges(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share one outlet. What it refuses is asked for again once the connector is free."""
    stage = await set_stage(_two())
    charger = stage.charger
    start = charger.start_test_transaction
    free: list[int] = []

    async def refuses_the_second(request: StartTestTransaction) -> Outcome:
        if request.connector_id == 1:
            await charger.set_status(2, ConnectorStatus.UNAVAILABLE)
        elif not free:
            charger.received["refused"] += 1
            return Outcome(reply=Reply.REJECTED)
        return await start(request)

    monkeypatch.setattr(charger, "start_test_transaction", refuses_the_second)
    handle = await stage.start()
    await stage.env.sleep(_FIRST_CHARGE)
    with stage.env.auto_time_skipping_disabled():
        await eventually(lambda: _was_refused(stage))
        free.append(2)
        await charger.set_status(2, ConnectorStatus.AVAILABLE)
        await eventually(lambda: _runs_on(stage, 2))
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [PASSED, PASSED]


def _was_refused(stage: Stage) -> None:
    assert stage.charger.received["refused"] >= 1


def _runs_on(stage: Stage, connector: int) -> None:
    newest = stage.charger.transaction
    assert newest is not None
    assert (newest.connector_id, newest.stopped_at) == (connector, None)


def _all_ended(stage: Stage) -> None:
    assert all(one.stopped_at is not None for one in stage.charger.transactions.values())


def _has_verdict(stage: Stage) -> None:
    assert stage.records.verdicts


async def _retry(stage: Stage, failed: RunView) -> RunView:
    stage.records.verdicts.clear()
    # Time is not skipped after a run whose vehicle did not come, so the charge is a short one.
    short = RunPace(
        meter=timedelta(seconds=1),
        charge_at_least=timedelta(seconds=1),
        charge_at_most=timedelta(seconds=20),
    )
    return await stage.verdict_of(await stage.start(RunOptions(pace=short), previous=failed))
