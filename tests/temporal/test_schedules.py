"""The Schedules of Temporal: made once, brought up to date, and left paused where they are."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleOverlapPolicy,
)
from temporalio.worker import Worker

from activities.upkeep import RetentionActivities
from domain.retention import LetGo
from temporal.schedules import RETENTION, ensure
from tests.support.eventually import eventually
from worker import workflow_runner
from workflows.upkeep import RetentionWorkflow


@pytest.fixture
async def name(temporal_client: Client, task_queue: str) -> AsyncIterator[str]:
    """Name of a Schedule that is there until the test has ended."""
    name = f"retention-{task_queue}"
    await ensure(temporal_client, replace(RETENTION, name=name), task_queue=task_queue)
    yield name
    await temporal_client.get_schedule_handle(name).delete()


async def test_it_is_made_once_and_stays_paused(temporal_client: Client, name: str) -> None:
    schedule = temporal_client.get_schedule_handle(name)
    await schedule.pause(note="Until the backup is done")
    await ensure(temporal_client, replace(RETENTION, name=name), task_queue="another")
    found = (await schedule.describe()).schedule
    assert found.state.paused
    assert found.state.note == "Until the backup is done"
    assert [one.every for one in found.spec.intervals] == [RETENTION.every]
    assert found.policy.overlap is ScheduleOverlapPolicy.SKIP
    assert getattr(found.action, "task_queue", "") == "another"


class ThreeTurns:
    """Has done all after the third."""

    def __init__(self) -> None:
        self.turns = 0

    @activity.defn(name=RetentionActivities.let_go.__name__)
    async def let_go(self) -> LetGo:
        """Let ten go."""
        self.turns += 1
        return LetGo(frames=10, is_done=self.turns == 3)


async def test_a_round_goes_on_until_nothing_is_old(
    temporal_client: Client, task_queue: str, name: str
) -> None:
    schedule = temporal_client.get_schedule_handle(name)
    turns = ThreeTurns()

    async def started() -> str:
        (one,) = (await schedule.describe()).info.recent_actions
        assert isinstance(one.action, ScheduleActionExecutionStartWorkflow)
        return one.action.workflow_id

    async with Worker(
        temporal_client,
        task_queue=task_queue,
        workflows=[RetentionWorkflow],
        activities=[turns.let_go],
        workflow_runner=workflow_runner(),
    ):
        await schedule.trigger()
        workflow_id = await eventually(started)
        handle = temporal_client.get_workflow_handle(workflow_id, result_type=LetGo)
        assert await handle.result(rpc_timeout=timedelta(seconds=60)) == LetGo(
            frames=30, is_done=True
        )
