"""Steps of a project's commissioning: decided beside the database, then told to Temporal."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from temporalio import activity

from domain.batch import BatchProgress, BatchStep
from domain.ports import BatchRecords, RunControl

ResultT = TypeVar("ResultT")

_AT_ONCE = 8  # calls to Temporal


class BatchActivities:
    """Starts and cancels runs in bulk. Each step is safe to repeat: rows come first."""

    def __init__(self, records: BatchRecords, control: RunControl) -> None:
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
            cancelled = [
                group.create_task(_through(door, self._cancel(step, charge_point_id)))
                for charge_point_id in step.cancel
            ]
        await self._records.cancel_sent(step.batch_id, step.cancel)
        if all(task.result() for task in cancelled):
            return step.progress
        return replace(step.progress, more=True)  # a run without a workflow tells of no end

    async def _cancel(self, step: BatchStep, charge_point_id: str) -> bool:
        """Cancel a run; False when it has no workflow."""
        assert step.cancel_request is not None  # noqa: S101 - something is to be cancelled
        if await self._control.cancel_open(charge_point_id, step.cancel_request):
            return True
        # Not begun yet, or just closed.
        await self._records.abandon_unbegun(charge_point_id)
        return False


async def _through(door: asyncio.Semaphore, call: Awaitable[ResultT]) -> ResultT:
    async with door:
        return await call
