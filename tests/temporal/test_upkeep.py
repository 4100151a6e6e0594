"""The engine's own rounds: one worker at them at a time, and another when it stops or dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Self

import pytest
from structlog.testing import capture_logs
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleHandle,
    WorkflowHandle,
)
from temporalio.service import RPCError
from temporalio.worker import Worker

from domain.cancellation import end
from domain.names import upkeep_task_queue
from domain.upkeep import Turn, TurnDone
from temporal import schedules
from temporal.client import DATA_CONVERTER
from temporal.schedules import DISPATCHER, Recurring, ensure, keep_schedules
from tests.support.eventually import eventually
from worker import make_upkeep_worker
from workflows.upkeep import DispatcherWorkflow, ReconcilerWorkflow


class Counted:
    """Rounds without work."""

    def __init__(self, rest: timedelta = timedelta(milliseconds=10)) -> None:
        self.rest = rest
        self.rounds = 0
        self.began = asyncio.Event()

    async def go_round(self) -> timedelta:
        """Count."""
        self.rounds += 1
        self.began.set()
        return self.rest


def upkeep(client: Client, task_queue: str, reconciler: Counted, dispatcher: Counted) -> Worker:
    return make_upkeep_worker(
        client, reconciler=reconciler, dispatcher=dispatcher, task_queue=task_queue
    )


async def begin(
    client: Client, task_queue: str, lasts: timedelta
) -> WorkflowHandle[DispatcherWorkflow, TurnDone]:
    return await client.start_workflow(
        DispatcherWorkflow.run,
        Turn(lasts=lasts),
        id=f"dispatcher-{task_queue}",
        task_queue=upkeep_task_queue(task_queue),
    )


async def test_a_turn_is_many_rounds_and_one_activity(
    temporal_client: Client, task_queue: str
) -> None:
    dispatcher = Counted()
    async with upkeep(temporal_client, task_queue, Counted(), dispatcher):
        handle = await begin(temporal_client, task_queue, timedelta(seconds=0.2))
        done = await handle.result()
    assert done.rounds == dispatcher.rounds > 1
    history = await handle.fetch_history()
    scheduled = [
        event
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert len(scheduled) == 1


async def test_a_round_that_outlasts_its_turn_is_finished(
    temporal_client: Client, task_queue: str
) -> None:
    reconciler = Counted(rest=timedelta(days=1))
    async with upkeep(temporal_client, task_queue, reconciler, Counted()):
        done = await temporal_client.execute_workflow(
            ReconcilerWorkflow.run,
            Turn(lasts=timedelta(0)),
            id=f"reconciler-{task_queue}",
            task_queue=upkeep_task_queue(task_queue),
        )
    assert done == TurnDone(rounds=1)


async def test_a_worker_that_stops_gives_its_turn_back_at_once(
    temporal_client: Client, task_queue: str
) -> None:
    first, second = Counted(), Counted()
    async with AsyncExitStack() as stopping:
        await stopping.enter_async_context(upkeep(temporal_client, task_queue, Counted(), first))
        handle = await begin(temporal_client, task_queue, timedelta(minutes=1))
        await first.began.wait()
        await stopping.aclose()
        async with upkeep(temporal_client, task_queue, Counted(), second):
            await second.began.wait()
            (pending,) = (await handle.describe()).raw_description.pending_activities
            assert pending.attempt > 1
            assert pending.last_failure.application_failure_info.type == "worker_stops"
            await handle.terminate()
    assert first.rounds


@pytest.fixture
async def dispatching(temporal_client: Client, task_queue: str) -> AsyncIterator[Recurring]:
    """A Schedule of the test's own, whose next time is far away; it is deleted at the end."""
    one = replace(DISPATCHER, name=f"dispatcher-{task_queue}", every=timedelta(days=10_000))
    yield one
    schedule = temporal_client.get_schedule_handle(one.name)
    running = await _running(schedule)
    await schedule.delete()
    for workflow_id in running:
        await temporal_client.get_workflow_handle(workflow_id).terminate()


async def _running(schedule: ScheduleHandle) -> list[str]:
    found = []
    for action in (await schedule.describe()).info.running_actions:
        assert isinstance(action, ScheduleActionExecutionStartWorkflow)
        found.append(action.workflow_id)
    return found


class _Watched(timedelta):
    """An hour that tells when somebody begins to wait for it."""

    def __new__(cls) -> Self:
        hour = super().__new__(cls, hours=1)
        hour.seen = asyncio.Event()
        return hour

    seen: asyncio.Event

    def total_seconds(self) -> float:
        """Tell."""
        self.seen.set()
        return super().total_seconds()


@asynccontextmanager
async def kept(client: Client, one: Recurring, task_queue: str) -> AsyncIterator[None]:
    """What each worker does about its Schedules."""
    keeping = asyncio.create_task(keep_schedules(client, [one], task_queue=task_queue))
    try:
        yield
    finally:
        await end(keeping)


async def test_it_begins_at_once_and_never_twice_however_many_workers_run(
    temporal_client: Client, temporal_address: str, task_queue: str, dispatching: Recurring
) -> None:
    first, second = Counted(), Counted()
    other = await Client.connect(temporal_address, data_converter=DATA_CONVERTER)
    async with (
        upkeep(temporal_client, task_queue, Counted(), first),
        upkeep(other, task_queue, Counted(), second),
        kept(temporal_client, dispatching, task_queue),
        kept(temporal_client, dispatching, task_queue),
    ):
        schedule = temporal_client.get_schedule_handle(dispatching.name)
        began = [asyncio.create_task(one.began.wait()) for one in (first, second)]
        await asyncio.wait(began, return_when=asyncio.FIRST_COMPLETED)
        for waiting in began:
            waiting.cancel()

        async def one_runs() -> None:
            assert len(await _running(schedule)) == 1

        await eventually(one_runs)

        async def one_waits_and_others_are_left_out() -> None:
            await schedule.trigger()
            described = await schedule.describe()
            assert described.raw_description.info.buffer_size == 1
            assert described.info.num_actions_skipped_overlap >= 1

        await eventually(one_waits_and_others_are_left_out)
        assert len(await _running(schedule)) == 1
        assert not (first.rounds and second.rounds)


async def test_one_that_was_deleted_is_made_again(
    temporal_client: Client,
    task_queue: str,
    dispatching: Recurring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedules, "_LOOK", timedelta(milliseconds=50))
    schedule = temporal_client.get_schedule_handle(dispatching.name)

    async def is_there() -> None:
        try:
            await schedule.describe()
        except RPCError as error:
            raise AssertionError("not yet") from error

    async with kept(temporal_client, dispatching, task_queue):
        await eventually(is_there)
        await schedule.delete()
        await eventually(is_there)


async def test_one_that_is_paused_stays_so_and_is_told_of_once(
    temporal_client: Client,
    task_queue: str,
    dispatching: Recurring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedules, "_LOOK", timedelta(milliseconds=10))
    await ensure(temporal_client, dispatching, task_queue=task_queue)
    schedule = temporal_client.get_schedule_handle(dispatching.name)
    await schedule.pause(note="Until the backup is done")
    with capture_logs() as told:
        async with kept(temporal_client, dispatching, task_queue):

            def said() -> None:
                assert [one["event"] for one in told] == ["schedule_is_paused"]

            await eventually(said)
            monkeypatch.setattr(schedules, "_LOOK", later := _Watched())
            await later.seen.wait()  # it has looked once more
    (once,) = told
    assert once["note"] == "Until the backup is done"
    assert (await schedule.describe()).schedule.state.paused
