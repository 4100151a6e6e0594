"""Starting, following and cancelling the commissioning of a whole project."""

from collections.abc import Collection

from api.batches.schemas import BatchShown, Commission, NeedsPersonShown
from api.call import Call
from api.deps import now
from api.pagination import PageRequest
from domain.audit import ENGINE, AuditAction
from domain.batch import BatchRequest
from domain.commissioning import CancelRequest
from domain.errors import ConflictError, NotFoundError, UnavailableError
from domain.ids import Prefix, new_id
from storage.audit import Audit
from storage.batch_status import count, needing_a_person
from storage.batches import Batches, Planned, read_owner
from storage.models.accounts import Account
from storage.models.runs import Batch
from storage.projects import Project


async def start(call: Call, project_id: str, wanted: Commission) -> tuple[BatchRequest, Planned]:
    """Commission a project; returns the batch and what is in it.

    Raises:
        NotFoundError: ``project_not_found``; ``charge_point_not_found`` of a given id.
        ConflictError: ``batch_open``; ``no_charge_points``; ``nothing_to_commission``;
            ``project_handed_over``.
        UnavailableError: Temporal is away; nothing was started.

    """
    await call.parts.temporal.check()  # before the rows: without Temporal nothing is half done
    only: Collection[str] | None = wanted.charge_point_ids
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, by_visit=True)
        request = BatchRequest(
            batch_id=new_id(Prefix.BATCH),
            project_id=project_id,
            installer_id=call.account.id,
            started_by=call.account.email,
            started_at=now(),
            options=wanted.options(),
            max_parallel=wanted.max_parallel,
            from_scratch=wanted.from_scratch,
        )
        planned = await Batches(connection).create(
            request, call.parts.catalogue, scope=wanted.scope(), only=only
        )
        await Audit(connection, project_id).write(
            AuditAction.BATCH_STARTED,
            call.actor,
            target=request.batch_id,
            at=request.started_at,
            after={
                "charge_points": planned.total,
                "withdrawn": planned.withdrawn,
                "max_parallel": request.max_parallel,
                "from_scratch": request.from_scratch,
            },
        )
        owner = await read_owner(connection, project_id)
    try:
        await call.parts.temporal.wake_batch(owner)
    except UnavailableError:
        # Taken back, unless the workflow has begun all the same.
        async with call.write() as connection:
            abandoned = await Batches(connection).abandon(request.batch_id)
            if abandoned:
                await Audit(connection, project_id).write(
                    AuditAction.BATCH_TAKEN_BACK, ENGINE, target=request.batch_id, at=now()
                )
        if abandoned:  # raised out here: an exception inside the block would undo it
            raise
    return request, planned


async def view(call: Call, project_id: str, paging: PageRequest) -> BatchShown:
    """Show the newest batch, with a page of those that need a person; the database is enough.

    Raises:
        NotFoundError: ``project_not_found``; ``no_batch``.

    """
    after = paging.after_id(Prefix.CHARGE_POINT)
    async with call.read() as connection:
        project = await call.project(connection, project_id, by_visit=True)
        batch = await Batches(connection).newest(project_id)
        if batch is None or not _may_see(project, call.account, batch):
            raise NotFoundError(
                "no_batch",
                "This project was never commissioned as a whole. Start that first."
                if project.service_visit_id is None
                else "You have not commissioned the charge points of your service visit together "
                "yet. Start that first.",
            )
        batch_id = batch.request.batch_id
        counts = await count(connection, batch_id)
        need = await needing_a_person(connection, batch_id, after=after, limit=paging.fetch)
    page = paging.page(need, NeedsPersonShown.of, lambda one: one.charge_point_id)
    return BatchShown.of(batch, counts=counts, needs_a_person=page)


async def cancel(call: Call, project_id: str, reason: str | None) -> Batch:
    """Start nothing more and cancel the open runs.

    Raises:
        NotFoundError: ``project_not_found``.
        ConflictError: ``no_open_batch``.
        UnavailableError: Temporal is away; nothing was changed.

    """
    await call.parts.temporal.check()
    async with call.write() as connection:
        project = await call.project(connection, project_id, by_visit=True)
        batch = await Batches(connection).open_of(project_id)
        if batch is None or not _may_see(project, call.account, batch):
            raise ConflictError("no_open_batch", "This project is not being commissioned.")
        if batch.cancel is None:
            await Batches(connection).request_cancel(
                batch.request.batch_id,
                CancelRequest(by=call.account.email, reason=reason, actor=call.actor),
            )
            await Audit(connection, project_id).write(
                AuditAction.BATCH_CANCELLED,
                call.actor,
                target=batch.request.batch_id,
                at=now(),
                after={"reason": reason},
            )
        owner = await read_owner(connection, project_id)
    await call.parts.temporal.wake_batch(owner)
    return batch


def _may_see(project: Project, installer: Account, batch: Batch) -> bool:
    """In a service visit one's own alone: another's has other charge points."""
    return project.service_visit_id is None or batch.request.installer_id == installer.id
