"""Batches: the commissioning of a whole project, its charge points and where they stand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.batch import BatchOwner, BatchRequest
from domain.commissioning import CancelRequest
from domain.errors import ConflictError, NotFoundError
from domain.states import BatchScope, BatchStatus, ChargePointStatus, MemberState, ProjectStatus
from storage.catalogue import Catalogue
from storage.dialects import at_once
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import Batch, BatchMember
from storage.rows import Repository, Rows, record_of
from storage.verdicts import holds
from storage.visiting import in_visit

OPEN = (BatchStatus.STARTING, BatchStatus.IN_PROGRESS)
_MANY = 10  # unknown ids that are named in an answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """How many charge points a new batch has; ``withdrawn`` ones of the project were left out."""

    total: int
    withdrawn: int


_batch = record_of(Batch)


class Batches(Repository):
    """Repository of batches."""

    async def create(
        self,
        request: BatchRequest,
        catalogue: Catalogue,
        *,
        scope: BatchScope,
        only: Collection[str] | None,
    ) -> Planned:
        """Commit to a batch of a locked project.

        ``only`` names the charge points, else the scope chooses them.

        Raises:
            NotFoundError: ``charge_point_not_found``, of ``only``.
            ConflictError: ``batch_open`` with the open one's ``batch_id``; ``no_charge_points``;
                ``nothing_to_commission``; ``withdrawn`` of ``only``.

        """
        await self._refuse_a_second(request.project_id)
        members, withdrawn = await self._members(request, catalogue, scope=scope, only=only)
        try:
            async with self._connection.begin_nested():
                await self._rows.add(
                    Batch,
                    id=request.batch_id,
                    project_id=request.project_id,
                    status=BatchStatus.STARTING,
                    request=request,
                    started_at=request.started_at,
                )
        except IntegrityError:
            await self._refuse_a_second(request.project_id)
            raise
        await self._connection.execute(
            at_once(self._connection, insert(BatchMember)),
            [
                {"batch_id": request.batch_id, "charge_point_id": identity, "state": state}
                for identity, state in members.items()
            ],
        )
        return Planned(total=len(members), withdrawn=withdrawn)

    async def abandon(self, batch_id: str) -> bool:
        """Take back a batch whose workflow could not be started; False when it has begun."""
        return await self._rows.at(Batch, batch_id, col(Batch.status) == BatchStatus.STARTING).set(
            status=BatchStatus.ABANDONED
        )

    async def newest(self, project_id: str) -> Batch | None:
        """The newest batch of a project that was not abandoned."""
        return await self._one(
            select(Batch.__table__)
            .where(col(Batch.project_id) == project_id)
            .where(col(Batch.status) != BatchStatus.ABANDONED)
            .order_by(col(Batch.id).desc())
            .limit(1)
        )

    async def open_of(self, project_id: str) -> Batch | None:
        """Lock the open batch of a project, if there is one."""
        return await self._one(
            select(Batch.__table__)
            .where(col(Batch.project_id) == project_id, col(Batch.status).in_(OPEN))
            .with_for_update()
        )

    async def all_open(self, *, after: str, limit: int) -> Sequence[Batch]:
        """Open batches in the order of their ids."""
        # Written out, so that SQLite sees that these are the rows of an index.
        which: BindParameter[BatchStatus] = bindparam(
            "open", OPEN, expanding=True, literal_execute=True
        )
        query = (
            select(Batch.__table__)
            .where(col(Batch.status).in_(which), col(Batch.id) > after)
            .order_by(col(Batch.id))
            .limit(limit)
        )
        return await self._rows.read_all(query, _batch)

    async def request_cancel(self, batch_id: str, request: CancelRequest) -> None:
        """Stop the batch from starting anything; the first request is the one that counts."""
        await self._rows.at(Batch, batch_id, col(Batch.cancel).is_(None)).set(cancel=request)

    async def begin(self, batch_id: str) -> None:
        """Its workflow is at work."""
        await self._rows.at(Batch, batch_id, col(Batch.status) == BatchStatus.STARTING).set(
            status=BatchStatus.IN_PROGRESS
        )

    async def close(self, batch_id: str, status: BatchStatus, *, at: datetime) -> None:
        """Nothing of it is open any more."""
        await self._rows.at(Batch, batch_id).set(status=status, completed_at=at)

    async def _refuse_a_second(self, project_id: str) -> None:
        current = await self.open_of(project_id)
        if current is not None:
            raise ConflictError(
                "batch_open",
                "This project is being commissioned. Wait for the end or cancel it, then start "
                "again.",
                batch_id=current.request.batch_id,
            )

    async def _members(
        self,
        request: BatchRequest,
        catalogue: Catalogue,
        *,
        scope: BatchScope,
        only: Collection[str] | None,
    ) -> tuple[dict[str, MemberState], int]:
        found = await self._rows.read_all(
            select(ChargePoint.__table__)
            .join(Project, col(Project.id) == col(ChargePoint.project_id))
            .where(col(ChargePoint.project_id) == request.project_id)
            # After the handover: those of the installer's service visit.
            .where(
                (col(Project.status) == ProjectStatus.IN_PROGRESS)
                | in_visit(col(ChargePoint.id), request.installer_id)
            )
            .order_by(col(ChargePoint.id)),
            record_of(ChargePoint),
        )
        withdrawn = [one.id for one in found if one.is_out]
        known = {one.id: ChargePointStatus(one.status) for one in found if not one.is_out}
        if only is not None:
            _refuse_withdrawn(sorted(set(only) & set(withdrawn)))
        if not known:
            raise ConflictError(
                "no_charge_points",
                "The project has no charge point to commission. Register or import its charge "
                "points first, or reinstate those that were withdrawn.",
            )
        holding = await holds(self._connection, known, catalogue)
        chosen = known
        if only is not None:
            _refuse_unknown(sorted(set(only) - set(known)))
            chosen = {identity: known[identity] for identity in sorted(set(only))}
        elif scope is not BatchScope.ALL:
            chosen = {
                identity: status
                for identity, status in known.items()
                if _is_in(scope, status, holding=identity in holding)
            }
        members = {
            identity: MemberState.KEPT
            if identity in holding and not request.from_scratch
            else MemberState.QUEUED
            for identity in chosen
        }
        if MemberState.QUEUED not in members.values():
            raise ConflictError(
                "nothing_to_commission",
                f"None of the project's {len(known)} charge points is to be commissioned. "
                'Send {"only": "all", "from_scratch": true} to repeat every check of them all.',
            )
        return members, 0 if only is not None else len(withdrawn)

    async def _one(self, query: Select[Any]) -> Batch | None:
        return await self._rows.read(query, _batch)


async def open_batch_of(connection: AsyncConnection, charge_point_id: str) -> str | None:
    """Id of the project whose open batch has this charge point."""
    return await connection.scalar(
        select(col(Batch.project_id))
        .join(BatchMember, col(BatchMember.batch_id) == col(Batch.id))
        .where(col(BatchMember.charge_point_id) == charge_point_id, col(Batch.status).in_(OPEN))
    )


async def read_owner(connection: AsyncConnection, project_id: str) -> BatchOwner:
    """Read what the workflow of a project's commissioning is started with."""
    row = await Rows(connection).get(Project, project_id)
    return BatchOwner(project_id=project_id, installer_id=row.installer_id, name=row.name)


def _is_in(scope: BatchScope, status: ChargePointStatus, *, holding: bool) -> bool:
    if scope is BatchScope.FAILED:
        return status is ChargePointStatus.COMMISSIONING_FAILED
    return not holding


def _refuse_unknown(unknown: Sequence[str]) -> None:
    if unknown:
        named = ", ".join(unknown[:_MANY]) + (" and others" if len(unknown) > _MANY else "")
        raise NotFoundError(
            "charge_point_not_found", f"The project has no charge point with the id {named}."
        )


def _refuse_withdrawn(withdrawn: Sequence[str]) -> None:
    if withdrawn:
        named = ", ".join(withdrawn[:_MANY]) + (" and others" if len(withdrawn) > _MANY else "")
        raise ConflictError(
            "withdrawn",
            f"Of these charge points, {named} were withdrawn. Leave them out, or reinstate each "
            "first with POST …/reinstate.",
            charge_point_ids=list(withdrawn),
        )
