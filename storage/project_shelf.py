"""Putting a project aside and bringing it back, and removing one that has nothing in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.rules.numbers import counted
from domain.states import InvitationStatus
from storage.audit import Audit
from storage.batches import OPEN
from storage.models.billing import BillingIssuer, Tariff
from storage.models.charge_points import ChargePoint
from storage.models.invitations import Invitation
from storage.models.projects import IdTag, ProjectMember, RequestWords
from storage.models.projects import Project as ProjectRow
from storage.models.runs import Batch, CommissioningRun
from storage.projects import Project
from storage.rows import Repository
from storage.run_queries import is_open

SETTINGS: Final = (Tariff, BillingIssuer, IdTag, ProjectMember, RequestWords)
"""What is chosen for a project, or asked of it, goes with it. Its row stays, for the audit trail
hangs on it: without a member it is nobody's."""


class ProjectShelf(Repository):
    """Archives and removes. Whoever calls it has locked the project before, but for `remove`."""

    async def archive(self, project: Project, *, at: datetime, by: Actor) -> datetime:
        """Put it aside; returns since when it is.

        Raises:
            ConflictError: ``commissioning_open``, with the ``charge_point_ids`` of open runs.

        """
        if project.archived_at is not None:
            return project.archived_at
        await self._refuse_while_commissioning(project.id)
        await self._rows.at(ProjectRow, project.id).set(archived_at=at)
        await Audit(self._connection, project.id).write(
            AuditAction.PROJECT_ARCHIVED, by, target=project.id, at=at
        )
        return at

    async def unarchive(self, project: Project, *, at: datetime, by: Actor) -> None:
        """Bring it back as it was; one that is not archived stays as it is."""
        if project.archived_at is None:
            return
        await self._rows.at(ProjectRow, project.id).set(archived_at=None)
        await Audit(self._connection, project.id).write(
            AuditAction.PROJECT_UNARCHIVED, by, target=project.id, at=at
        )

    async def remove(self, project_id: str, *, at: datetime, by: Actor) -> None:
        """Remove a project that has nothing in it; a repeat changes nothing.

        Raises:
            ConflictError: ``project_not_empty``.

        """
        name = await self._connection.scalar(
            select(col(ProjectRow.name)).where(col(ProjectRow.id) == project_id).with_for_update()
        )
        members = await self._rows.count(ProjectMember, col(ProjectMember.project_id) == project_id)
        if not members:
            return
        await self._refuse_with_content(project_id, colleagues=members - 1, at=at)
        for settings in SETTINGS:
            await self._rows.those(settings, settings.__table__.c.project_id == project_id).remove()
        # What it holds of people goes when it has been over for long enough.
        await self._rows.at(ProjectRow, project_id, col(ProjectRow.archived_at).is_(None)).set(
            archived_at=at
        )
        # Nobody waits for news of an invitation that has ended.
        those = self._rows.those(
            Invitation, col(Invitation.project_id) == project_id, col(Invitation.told_at).is_(None)
        )
        await those.set(told_at=at)
        await Audit(self._connection, project_id).write(
            AuditAction.PROJECT_REMOVED, by, target=project_id, at=at, before={"name": name}
        )

    async def _refuse_while_commissioning(self, project_id: str) -> None:
        batch = await self._connection.scalar(
            select(col(Batch.id)).where(
                col(Batch.project_id) == project_id, col(Batch.status).in_(OPEN)
            )
        )
        running = await self._rows.values(
            select(col(CommissioningRun.charge_point_id))
            .where(col(CommissioningRun.project_id) == project_id, is_open())
            .order_by(col(CommissioningRun.charge_point_id))
        )
        if batch is not None:
            raise ConflictError(
                "commissioning_open",
                "The project is being commissioned as a whole. Wait for the end, or cancel it with "
                "POST …/commissioning/cancel, then archive the project.",
                charge_point_ids=running,
            )
        if running:
            raise ConflictError(
                "commissioning_open",
                f"A run is open for {counted(len(running), 'charge point')}. Wait for the "
                "verdict, or cancel each with POST …/cancel, then archive the project.",
                charge_point_ids=running,
            )

    async def _refuse_with_content(self, project_id: str, *, colleagues: int, at: datetime) -> None:
        pending = await self._rows.count(
            Invitation,
            col(Invitation.project_id) == project_id,
            col(Invitation.status) == InvitationStatus.PENDING,
            col(Invitation.expires_at) > at,
        )
        owner = await self._rows.value(col(ProjectRow.site_owner_id), project_id)
        present = await self._rows.count(ChargePoint, col(ChargePoint.project_id) == project_id)
        content = {
            "charge point": present,
            "pending invitation": pending,
            "collaborator": colleagues,
            "site owner": int(owner is not None),
        }
        there = [counted(number, what) for what, number in content.items() if number]
        if there:
            raise ConflictError(
                "project_not_empty",
                f"The project has {_listed(there)}. Archive it instead, with "
                f"POST …/projects/{project_id}/archive; nothing of it is lost then.",
            )


def _listed(words: Sequence[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
