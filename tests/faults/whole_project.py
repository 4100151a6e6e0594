"""The commissioning of the stage's whole project."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from domain.batch import BatchCounts, BatchRequest
from domain.commissioning import RunOptions
from domain.ids import Prefix, new_id
from domain.names import batch_workflow_id
from domain.states import BatchScope
from storage.batch_status import NeedsPerson, count, needing_a_person
from storage.batches import Batches, read_owner
from storage.models.runs import Batch, CommissioningRun
from temporal import starts
from tests.faults.stage import PATIENT, Stage
from tests.support.eventually import PATIENCE


class WholeProject:
    """The commissioning of the stage's project."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def start(self, *, max_parallel: int, options: RunOptions | None = None) -> str:
        """Start it as the API does: the rows first, then the workflow."""
        asked = options or RunOptions(wait_for_connection=timedelta(seconds=30))
        project = self.stage.project
        request = BatchRequest(
            batch_id=new_id(Prefix.BATCH),
            project_id=project.id,
            installer_id=project.installer_id,
            started_by=self.stage.installer.email,
            started_at=datetime.now(UTC),
            options=replace(asked, pace=PATIENT),
            max_parallel=max_parallel,
        )
        async with self.stage.database.write() as connection:
            await Batches(connection).create(
                request, self.stage.catalogue, scope=BatchScope.NOT_COMMISSIONED, only=None
            )
        await self.wake()
        return request.batch_id

    async def wake(self) -> None:
        async with self.stage.database.read() as connection:
            owner = await read_owner(connection, self.stage.project.id)
        await starts.batch(owner).begin(self.stage.client, self.stage.task_queue)

    async def end(self) -> tuple[Batch, BatchCounts]:
        """Wait for its workflow, and read how it ended."""
        handle = self.stage.client.get_workflow_handle(batch_workflow_id(self.stage.project.id))
        async with asyncio.timeout(PATIENCE):
            await handle.result()
        return await self.stands()

    async def stands(self) -> tuple[Batch, BatchCounts]:
        async with self.stage.database.read() as connection:
            batch = await Batches(connection).newest(self.stage.project.id)
            assert batch is not None
            return batch, await count(connection, batch.request.batch_id)

    async def need(self) -> Sequence[NeedsPerson]:
        batch, _ = await self.stands()
        async with self.stage.database.read() as connection:
            return await needing_a_person(connection, batch.request.batch_id, after=None, limit=100)

    async def most_at_once(self) -> int:
        """The largest number of runs that were open at one moment."""
        async with self.stage.database.read() as connection:
            rows = (
                await connection.execute(
                    select(col(CommissioningRun.started_at), col(CommissioningRun.completed_at))
                )
            ).all()
        spans = [(begin, end) for begin, end in rows if end is not None]
        return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
