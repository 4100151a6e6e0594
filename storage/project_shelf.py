"""Putting a project aside and bringing it back, and removing one that has nothing in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.rules.numbers import counted
from domain.states import BatchStatus, InvitationStatus, RunStatus
from storage.audit import Audit
from storage.projects import Project
from storage.tables import (
    batches,
    billing_issuers,
    charge_points,
    commissioning_runs,
    id_tags,
    invitations,
    project_members,
    projects,
    request_words,
    tariffs,
)

_RUNS: Final = (RunStatus.STARTING, RunStatus.IN_PROGRESS)
_BATCHES: Final = (BatchStatus.STARTING, BatchStatus.IN_PROGRESS)
SETTINGS: Final = (tariffs, billing_issuers, id_tags, project_members, request_words)
"""What is chosen for a project, or asked of it, goes with it. Its row stays, for the audit trail
hangs on it: without a member it is nobody's."""


class ProjectShelf:
    """Archives and removes. Whoever calls it has locked the project before, but for `remove`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def archive(self, project: Project, *, at: datetime, by: Actor) -> datetime:
        """Put it aside; returns since when it is.

        Raises:
            ConflictError: ``commissioning_open``, with the ``charge_point_ids`` of open runs.

        """
        if project.archived_at is not None:
            return project.archived_at
        await self._refuse_while_commissioning(project.id)
        await self._note(project.id, archived_at=at)
        await Audit(self._connection, project.id).write(
            AuditAction.PROJECT_ARCHIVED, by, target=project.id, at=at
        )
        return at

    async def unarchive(self, project: Project, *, at: datetime, by: Actor) -> None:
        """Bring it back as it was; one that is not archived stays as it is."""
        if project.archived_at is None:
            return
        await self._note(project.id, archived_at=None)
        await Audit(self._connection, project.id).write(
            AuditAction.PROJECT_UNARCHIVED, by, target=project.id, at=at
        )

    async def remove(self, project_id: str, *, at: datetime, by: Actor) -> None:
        """Remove a project that has nothing in it; a repeat changes nothing.

        Raises:
            ConflictError: ``project_not_empty``.

        """
        name = await self._connection.scalar(
            select(projects.c.name).where(projects.c.id == project_id).with_for_update()
        )
        if not await self._number(project_members.c.project_id, project_id):
            return
        await self._refuse_with_content(project_id, at=at)
        for settings in SETTINGS:
            await self._connection.execute(
                delete(settings).where(settings.c.project_id == project_id)
            )
        # What it holds of people goes when it has been over for long enough.
        await self._connection.execute(
            update(projects)
            .where(projects.c.id == project_id)
            .where(projects.c.archived_at.is_(None))
            .values(archived_at=at)
        )
        # Nobody waits for news of an invitation that has ended.
        await self._connection.execute(
            update(invitations)
            .where(invitations.c.project_id == project_id)
            .where(invitations.c.told_at.is_(None))
            .values(told_at=at)
        )
        await Audit(self._connection, project_id).write(
            AuditAction.PROJECT_REMOVED, by, target=project_id, at=at, before={"name": name}
        )

    async def _refuse_while_commissioning(self, project_id: str) -> None:
        batch = await self._connection.scalar(
            select(batches.c.id)
            .where(batches.c.project_id == project_id)
            .where(batches.c.status.in_(_BATCHES))
        )
        running = (
            await self._connection.scalars(
                select(commissioning_runs.c.charge_point_id)
                .where(commissioning_runs.c.project_id == project_id)
                .where(commissioning_runs.c.status.in_(_RUNS))
                .order_by(commissioning_runs.c.charge_point_id)
            )
        ).all()
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

    async def _refuse_with_content(self, project_id: str, *, at: datetime) -> None:
        pending = await self._connection.scalar(
            select(func.count())
            .where(invitations.c.project_id == project_id)
            .where(invitations.c.status == InvitationStatus.PENDING)
            .where(invitations.c.expires_at > at)
        )
        owner = await self._connection.scalar(
            select(projects.c.site_owner_id).where(projects.c.id == project_id)
        )
        colleagues = await self._number(project_members.c.project_id, project_id) - 1
        content = {
            "charge point": await self._number(charge_points.c.project_id, project_id),
            "pending invitation": pending or 0,
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

    async def _number(self, column: object, project_id: str) -> int:
        query = select(func.count()).where(column == project_id)  # type: ignore[arg-type]
        return await self._connection.scalar(query) or 0

    async def _note(self, project_id: str, *, archived_at: datetime | None) -> None:
        await self._connection.execute(
            update(projects).where(projects.c.id == project_id).values(archived_at=archived_at)
        )


def _listed(words: Sequence[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
