"""A fault during the test charge, or as it ends, fails it; whatever status stands beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle

from domain.checks import RunView
from domain.commissioning import RunOptions, RunPace
from domain.facts import ConnectorFact, EventKind
from domain.states import CheckName, CheckResult, ConnectorStatus, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.commissioning import CommissioningWorkflow

Handle = WorkflowHandle[CommissioningWorkflow, RunView | None]


async def says(stage: Stage, status: ConnectorStatus, code: str, *, connector: int = 1) -> None:
    await stage.charger.tell(
        EventKind.CONNECTOR,
        connector=ConnectorFact(
            connector_id=connector,
            status=status,
            error_code=code,
            at=EPOCH + timedelta(seconds=30),
            vendor_error_code="E-1042",
            info="RCD tripped",
        ),
    )


def failed_for_a_fault(view: RunView, place: str) -> None:
    assert view.status is RunStatus.FAILED
    assert view.failure is not None
    assert view.failure.code == "connector_faulted"
    assert view.failure.cause == (
        f"{place} reports a fault: GroundFailure, vendor code E-1042, RCD tripped (during the test "
        "charge)."
    )
    evidence = view.checks[-1].evidence
    assert (evidence["fault"], evidence["fault_vendor_code"]) == ("GroundFailure", "E-1042")


async def charging(stage: Stage, handle: Handle) -> None:
    async def waits() -> None:
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.METER

    await eventually(lambda: waits())  # noqa: PLW0108 - its type is then known
    await stage.charger.set_status(1, ConnectorStatus.CHARGING)


@pytest.mark.parametrize(
    ("status", "connector", "place"),
    [
        (ConnectorStatus.FAULTED, 1, "Connector 1"),
        (ConnectorStatus.FAULTED, 0, "The charge point itself"),
        (ConnectorStatus.CHARGING, 1, "Connector 1"),
        (ConnectorStatus.AVAILABLE, 0, "The charge point itself"),
    ],
)
async def test_during_the_charge(
    set_stage: StageMaker, status: ConnectorStatus, connector: int, place: str
) -> None:
    """It ends the charge, too: nobody waits for readings of a faulted connector."""
    stage = await set_stage()
    handle = await stage.start()
    await charging(stage, handle)
    await says(stage, status, "GroundFailure", connector=connector)
    failed_for_a_fault(await stage.verdict_of(handle), place)
    assert stage.charger.received["trigger MeterValues"] == 0


@pytest.mark.parametrize("status", [ConnectorStatus.FAULTED, ConnectorStatus.FINISHING])
async def test_as_the_charge_ends(set_stage: StageMaker, status: ConnectorStatus) -> None:
    """The transaction has ended, and all that it measured is well."""
    stage = await set_stage()
    handle = await stage.start(RunOptions(pace=RunPace(charge_at_least=timedelta())))
    await charging(stage, handle)
    for _ in range(3):
        await stage.charger.meter()

    async def has_ended() -> None:
        view = await handle.query(CommissioningWorkflow.status)
        assert "stopped" in [step.name for step in view.checks[-1].steps]

    await eventually(lambda: has_ended())  # noqa: PLW0108 - its type is then known
    await says(stage, status, "GroundFailure")
    failed_for_a_fault(await stage.verdict_of(handle), "Connector 1")


async def test_one_that_is_silent_then_is_not_waited_for_long(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour())
    handle = await stage.start()
    await charging(stage, handle)
    view = await stage.verdict_of(handle)
    assert view.checks[-1].result is CheckResult.PASSED


async def test_an_error_that_is_no_matter_of_safety_fails_nothing(set_stage: StageMaker) -> None:
    stage = await set_stage()
    handle = await stage.start()
    await charging(stage, handle)
    await says(stage, ConnectorStatus.CHARGING, "WeakSignal")
    assert (await stage.verdict_of(handle)).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("code", "needs_review"), [("PowerMeterFailure", True), ("WeakSignal", False)]
)
async def test_an_error_that_is_no_fault_is_noted(
    set_stage: StageMaker, code: str, *, needs_review: bool
) -> None:
    stage = await set_stage()
    fact = stage.charger.fact
    stage.charger.fact = lambda number: replace(fact(number), error_code=code)  # type: ignore[method-assign]
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    (check,) = [one for one in view.checks if one.name is CheckName.CONNECTOR_AVAILABLE]
    assert f"Connector 1 is Available, and reports an error: {code}." in check.notes
    assert check.needs_review is needs_review


@pytest.mark.parametrize("reason", ["PowerLoss", "Reboot", "HardReset", "SoftReset"])
async def test_that_it_restarted_as_it_was_told_to_stop_is_no_stop(
    set_stage: StageMaker, reason: str
) -> None:
    stage = await set_stage(Behaviour(stop_reason=reason))
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    assert view.failure is not None
    assert view.failure.code == "restarted_in_charge"


@pytest.mark.parametrize("reason", [None, "", "Local", "Other", "EVDisconnected"])
async def test_whatever_else_it_says_when_told_to_stop_it_has_stopped(
    set_stage: StageMaker, reason: str | None
) -> None:
    stage = await set_stage(Behaviour(stop_reason=reason))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
