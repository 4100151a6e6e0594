"""What the workflow of a project's commissioning reads and writes, a step at a time."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.batch import BatchCounts, BatchProgress, BatchRequest, BatchStep
from domain.commissioning import CancelRequest, RunRequest, RunToStart
from domain.ids import Prefix, new_id
from domain.states import BatchStatus, MemberState, ProjectStatus, RunStatus
from storage.batch_status import count, members_with_runs
from storage.batches import Batches
from storage.charge_points import read_registered
from storage.dialects import among
from storage.in_use import at_live_site
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import Batch, BatchMember
from storage.records import CatalogueRecords
from storage.rows import Rows
from storage.run_orders import RunOrders
from storage.run_queries import is_open
from storage.runs import Runs
from storage.verdicts import holds
from storage.visiting import has_visit

_STARTS_A_STEP = 20
_CANCELS_A_STEP = 50
_RETRIED = {RunStatus.FAILED, RunStatus.CANCELLED}


class StoredBatches(CatalogueRecords):
    """The commissioning of whole projects, as activities ask for it; safe to repeat."""

    async def advance(self, project_id: str) -> BatchStep:
        """Decide and commit the next step of the project's open batch."""
        async with self._database.write() as connection:
            # The project first, as a start and a handover lock it.
            status = await connection.scalar(
                select(col(Project.status)).where(col(Project.id) == project_id).with_for_update()
            )
            batch = await Batches(connection).open_of(project_id)
            if batch is None:
                return BatchStep(progress=BatchProgress(done=True, counts=BatchCounts()))
            await Batches(connection).begin(batch.request.batch_id)
            over = status == ProjectStatus.HANDED_OVER and not await has_visit(
                connection, project_id, batch.request.installer_id
            )
            if batch.cancel is not None or over:
                queued = Rows(connection).those(BatchMember, _is_queued(batch.request.batch_id))
                await queued.set(state=MemberState.CANCELLED)
            step = (
                await self._start(connection, batch.request)
                if batch.cancel is None
                else await self._cancel(connection, batch)
            )
            if step.progress.done:
                end = BatchStatus.COMPLETED if batch.cancel is None else BatchStatus.CANCELLED
                await Batches(connection).close(batch.request.batch_id, end, at=self._now())
            return step

    async def cancel_sent(self, batch_id: str, charge_point_ids: Sequence[str]) -> None:
        """These runs know that they are cancelled."""
        if not charge_point_ids:
            return
        async with self._database.write() as connection:
            sent = among(connection, col(BatchMember.charge_point_id), charge_point_ids)
            of_batch = col(BatchMember.batch_id) == batch_id
            await Rows(connection).those(BatchMember, of_batch, sent).set(cancel_sent=True)

    async def abandon_unbegun(self, charge_point_id: str, request: CancelRequest) -> bool:
        """Take back the run whose workflow has not begun, as somebody asks; False when it has."""
        async with self._database.write() as connection:
            return await RunOrders(connection, at=self._now()).take_back(
                charge_point_id, by=request.actor
            )

    async def _start(self, connection: AsyncConnection, batch: BatchRequest) -> BatchStep:
        counts = await count(connection, batch.batch_id)
        room = min(batch.max_parallel - counts.in_progress, _STARTS_A_STEP)
        queued = await _queued(connection, batch.batch_id, limit=max(room, 0))
        start = [
            run
            for identity in queued
            if (run := await self._begin_member(connection, batch, identity)) is not None
        ]
        if queued:
            counts = await count(connection, batch.batch_id)
        more = counts.queued > 0 and counts.in_progress < batch.max_parallel
        return BatchStep(
            progress=BatchProgress(done=counts.open == 0, counts=counts, more=more),
            batch_id=batch.batch_id,
            start=tuple(start),
        )

    async def _cancel(self, connection: AsyncConnection, batch: Batch) -> BatchStep:
        batch_id = batch.request.batch_id
        counts = await count(connection, batch_id)
        targets = await _to_cancel(connection, batch_id, limit=_CANCELS_A_STEP)
        return BatchStep(
            progress=BatchProgress(
                done=counts.open == 0, counts=counts, more=len(targets) == _CANCELS_A_STEP
            ),
            batch_id=batch_id,
            cancel=tuple(targets),
            cancel_request=batch.cancel,
        )

    async def _begin_member(
        self, connection: AsyncConnection, batch: BatchRequest, charge_point_id: str
    ) -> RunToStart | None:
        """Commit to the charge point's run; None when it needs none or has one."""
        if (
            await Rows(connection).get(ChargePoint, charge_point_id)
        ).is_out:  # since the batch began
            await _set_state(connection, batch, charge_point_id, MemberState.CANCELLED)
            return None
        runs = Runs(connection)
        current = await runs.latest(charge_point_id)
        if current is not None and current.status.is_open:
            await _started(connection, batch, current.request)
            return None
        if not batch.from_scratch and await holds(connection, [charge_point_id], self._catalogue):
            await _set_state(connection, batch, charge_point_id, MemberState.KEPT)
            return None
        retried = (
            current.request.commissioning_id
            if current is not None and current.status in _RETRIED and not batch.from_scratch
            else None
        )
        request = RunRequest(
            commissioning_id=new_id(Prefix.COMMISSIONING),
            charge_point_id=charge_point_id,
            project_id=batch.project_id,
            installer_id=batch.installer_id,
            started_by=batch.started_by,
            started_at=self._now(),
            options=batch.options,
            previous_commissioning_id=retried,
            from_scratch=retried is None,
            live_site=await at_live_site(connection, charge_point_id),
        )
        await runs.create_starting(request)
        await _started(connection, batch, request)
        return RunToStart(
            request=request, registered=await read_registered(connection, charge_point_id)
        )


def _is_queued(batch_id: str) -> ColumnElement[bool]:
    return (col(BatchMember.batch_id) == batch_id) & (col(BatchMember.state) == MemberState.QUEUED)


async def _queued(connection: AsyncConnection, batch_id: str, *, limit: int) -> Sequence[str]:
    return await Rows(connection).values(
        select(col(BatchMember.charge_point_id))
        .where(_is_queued(batch_id))
        .order_by(col(BatchMember.charge_point_id))
        .limit(limit)
    )


async def _to_cancel(connection: AsyncConnection, batch_id: str, *, limit: int) -> Sequence[str]:
    return await Rows(connection).values(
        select(col(BatchMember.charge_point_id))
        .select_from(members_with_runs())
        .where(col(BatchMember.batch_id) == batch_id, col(BatchMember.cancel_sent).is_(False))
        .where(is_open())
        .order_by(col(BatchMember.charge_point_id))
        .limit(limit)
    )


async def _started(connection: AsyncConnection, batch: BatchRequest, run: RunRequest) -> None:
    member = Rows(connection).at(BatchMember, (batch.batch_id, run.charge_point_id))
    await member.set(state=MemberState.STARTED, commissioning_id=run.commissioning_id)


async def _set_state(
    connection: AsyncConnection, batch: BatchRequest, charge_point_id: str, state: MemberState
) -> None:
    await Rows(connection).at(BatchMember, (batch.batch_id, charge_point_id)).set(state=state)
