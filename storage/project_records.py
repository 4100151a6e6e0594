"""Invitations and handovers, for the activities."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from domain.commissioning import (
    CompleteHandover,
    HandoverResult,
    InvitationDraft,
    InviteSiteOwner,
)
from domain.states import InvitationStatus
from storage.engine import Database
from storage.handover import Handover
from storage.invitations import Invitation, Invitations
from storage.tables import accounts, charge_points, projects


class StoredProjects:
    """Implements :class:`domain.ports.ProjectRecords`."""

    def __init__(
        self, database: Database, *, invitation_lifetime: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._lifetime = invitation_lifetime
        self._now = now

    async def invite(
        self, project_id: str, request: InviteSiteOwner, *, token_hash: str
    ) -> InvitationDraft:
        """Store the invitation, or find it, with what its mail says."""
        now = self._now()
        async with self._database.write() as connection:
            project = (
                await connection.execute(
                    select(
                        projects.c.name,
                        projects.c.address,
                        func.coalesce(accounts.c.company, accounts.c.name).label("installer"),
                    )
                    .join(accounts, accounts.c.id == projects.c.installer_id)
                    .where(projects.c.id == project_id)
                )
            ).one()
            stored = await Invitations(connection).create(
                Invitation(
                    id=request.invitation_id,
                    project_id=project_id,
                    email=request.email,
                    message=request.message,
                    status=InvitationStatus.PENDING,
                    sent_at=None,
                    expires_at=now + self._lifetime,
                ),
                token_hash=token_hash,
                created_at=now,
            )
            count = await connection.scalar(
                select(func.count())
                .select_from(charge_points)
                .where(charge_points.c.project_id == project_id)
            )
        return InvitationDraft(
            project_name=project.name,
            project_address=project.address,
            installer_name=project.installer,
            charge_points=count or 0,
            email=stored.email,
            message=stored.message,
            expires_at=stored.expires_at,
            sent=stored.sent_at is not None,
        )

    async def invitation_sent(self, invitation_id: str) -> None:
        """The invitation's mail left."""
        async with self._database.write() as connection:
            await Invitations(connection).mark_sent(invitation_id, self._now())

    async def complete_handover(self, project_id: str, request: CompleteHandover) -> HandoverResult:
        """Hand over, or say what stands in the way."""
        async with self._database.write() as connection:
            return await Handover(connection).complete(project_id, request, at=self._now())
