"""Runs that workflows start and cancel: one, or those of a project, step by step."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from temporalio import activity

from domain.batch import BatchProgress, BatchStep
from domain.commissioning import RetryOrder, RunStarted
from domain.ports import RunControl, RunStarter

if TYPE_CHECKING:
    from storage.batch_records import StoredBatches

ResultT = TypeVar("ResultT")

_AT_ONCE = 8  # calls to Temporal


class RunActivities:
    """Starts runs as the API does; each activity is safe to repeat."""

    def __init__(self, starter: RunStarter) -> None:
        self._starter = starter

    @activity.defn
    async def retry_run(self, order: RetryOrder) -> RunStarted:
        """Start a run like the newest one of the charge point."""
        return await self._starter.retry(order)

    @activity.defn
    async def cancel_run(self) -> None:
        """Cancel the workflow that asks, as the Cancel button of Temporal does."""
        asking = activity.info()
        assert asking.workflow_id is not None, "started by a workflow"  # noqa: S101
        assert asking.workflow_run_id is not None, "started by a workflow"  # noqa: S101
        await self._starter.cancel(asking.workflow_id, run_id=asking.workflow_run_id)


class BatchActivities:
    """Starts and cancels runs in bulk. Each step is safe to repeat: rows come first."""

    def __init__(self, records: "StoredBatches", control: RunControl) -> None:
        self._records = records
        self._control = control

    @activity.defn
    async def advance_batch(self, project_id: str) -> BatchProgress:
        """Take the project's open batch as far as it goes now, in a bounded step.

        Starts runs up to the limit, or, once somebody has cancelled, cancels the open ones. A run
        whose row is committed and whose start fails in here is started by the reconciler.
        """
        step = await self._records.advance(project_id)
        door = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for run in step.start:
                group.create_task(_through(door, self._control.start(run)))
            cancels = {
                charge_point_id: group.create_task(
                    _through(door, self._cancel(step, charge_point_id))
                )
                for charge_point_id in step.cancel
            }
        ends = {charge_point_id: task.result() for charge_point_id, task in cancels.items()}
        reached = [one for one, end in ends.items() if end is not _End.NONE]
        await self._records.cancel_sent(step.batch_id, reached)
        if not ends:
            return step.progress
        # Who was taken back tells of no end; for who could not be reached nobody has to hurry.
        more = _End.TAKEN_BACK in ends.values() or (step.progress.more and bool(reached))
        return replace(step.progress, more=more)

    async def _cancel(self, step: BatchStep, charge_point_id: str) -> "_End":
        assert step.cancel_request is not None  # noqa: S101 - something is to be cancelled
        for _ in range(2):  # it may begin between the two looks, and then has a workflow
            if await self._control.cancel_open(charge_point_id, step.cancel_request):
                return _End.CANCELLED
            if await self._records.abandon_unbegun(charge_point_id, step.cancel_request):
                return _End.TAKEN_BACK
        return _End.NONE


class _End(Enum):
    """What became of the cancellation of a run."""

    CANCELLED = auto()
    TAKEN_BACK = auto()
    """It had not begun."""
    NONE = auto()
    """It has just closed; or its workflow is gone, and the reconciler ends it."""


async def _through(door: asyncio.Semaphore, call: Awaitable[ResultT]) -> ResultT:
    async with door:
        return await call
