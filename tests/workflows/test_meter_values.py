"""Readings of the test charge are awaited as often as they come, and else asked for."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle

from domain.checks import RunView
from domain.rules.sampling import SAMPLE_INTERVAL
from domain.states import RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.commissioning import CommissioningWorkflow

Handle = WorkflowHandle[CommissioningWorkflow, RunView | None]
TRIGGER = "trigger MeterValues"


def sampling(seconds: object, **behaviour: bool) -> Behaviour:
    return Behaviour(reports={SAMPLE_INTERVAL: str(seconds)}, **behaviour)  # type: ignore[arg-type]


async def waits_for_readings(handle: Handle, said: str) -> None:
    async def waits() -> None:
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.METER
        assert said in waiting.prompt

    await eventually(lambda: waits())  # noqa: PLW0108 - its type is then known


async def asked_after(stage: Stage, handle: Handle) -> list[float]:
    """Seconds from the start of the charge to each reading that was asked for."""
    began = 0.0
    asked = []
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime().timestamp()
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == "start_test_transaction":
            began = at
        elif (
            scheduled.activity_type.name == "trigger"
            and b"MeterValues" in str(scheduled.input).encode()
        ):
            asked.append(at - began)
    assert len(asked) == stage.charger.received[TRIGGER]
    return asked


@pytest.mark.parametrize(("every", "wanted"), [(60, 2), (15, 3)])
async def test_readings_that_come_by_themselves_are_awaited(
    set_stage: StageMaker, every: int, wanted: int
) -> None:
    stage = await set_stage(sampling(every))
    handle = await stage.start()
    await waits_for_readings(
        handle, f"It waits for the next reading, which the charge point sends every {every} s."
    )
    for _ in range(wanted):
        await stage.charger.meter()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received[TRIGGER] == 0
    assert view.checks[-1].evidence["samples"] == wanted


async def test_one_that_does_not_come_is_asked_for_after_its_time_and_a_margin(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(sampling(60))
    handle = await stage.start()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED
    first, *others = await asked_after(stage, handle)
    assert 71 <= first < 80
    assert others[0] - first < 10  # what should come by itself is not waited for again


@pytest.mark.parametrize(
    ("every", "said"),
    [
        (0, "The charge point sends no readings by itself, so it is asked for them."),
        (900, "The charge point sends a reading every 15 min only, so it is asked for them."),
    ],
)
async def test_where_none_comes_in_time_one_is_asked_for_at_once(
    set_stage: StageMaker, every: int, said: str
) -> None:
    stage = await set_stage(sampling(every))
    handle = await stage.start()
    await waits_for_readings(handle, said)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED
    first, second, *_ = await asked_after(stage, handle)
    assert first < 3
    assert second - first < 10


async def test_nothing_is_waited_for_beyond_the_time_of_the_charge(set_stage: StageMaker) -> None:
    """And the installer is told why there is no reading, in the end."""
    stage = await set_stage(sampling(60, meters=False))
    handle = await stage.start()
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == "no_meter_values"
    assert max(await asked_after(stage, handle)) < timedelta(minutes=3).total_seconds()
