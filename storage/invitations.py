"""Invitations of site owners: one token, one grant."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ConflictError, NotFoundError
from domain.states import InvitationStatus
from storage.announcements import announce_acceptance
from storage.tables import invitations, projects


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """An invitation, without its token: only the token's hash is stored."""

    id: str
    project_id: str
    email: str
    message: str | None
    status: InvitationStatus
    sent_at: datetime | None
    expires_at: datetime


class Invitations:
    """Repository of invitations."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self, invitation: Invitation, *, token_hash: str, created_at: datetime
    ) -> Invitation:
        """Store a pending invitation, or return the one that already has its id.

        An earlier pending invitation of the project is replaced: its link stops working.
        """
        existing = await self.get(invitation.id)
        if existing is not None:
            return existing
        await self._connection.execute(
            update(invitations)
            .where(invitations.c.project_id == invitation.project_id)
            .where(invitations.c.status == InvitationStatus.PENDING)
            .values(status=InvitationStatus.REPLACED)
        )
        await self._connection.execute(
            insert(invitations).values(
                id=invitation.id,
                project_id=invitation.project_id,
                email=invitation.email,
                message=invitation.message,
                token_hash=token_hash,
                status=InvitationStatus.PENDING,
                created_at=created_at,
                expires_at=invitation.expires_at,
            )
        )
        return invitation

    async def mark_sent(self, invitation_id: str, at: datetime) -> None:
        """Note that the mail left."""
        await self._connection.execute(
            update(invitations).where(invitations.c.id == invitation_id).values(sent_at=at)
        )

    async def get(self, invitation_id: str) -> Invitation | None:
        """One invitation."""
        row = (
            await self._connection.execute(
                select(invitations).where(invitations.c.id == invitation_id)
            )
        ).one_or_none()
        if row is None:
            return None
        return Invitation(
            id=row.id,
            project_id=row.project_id,
            email=row.email,
            message=row.message,
            status=InvitationStatus(row.status),
            sent_at=row.sent_at,
            expires_at=row.expires_at,
        )

    async def by_token(self, token_hash: str, *, now: datetime) -> Invitation:
        """Find the pending invitation of a token.

        Raises:
            NotFoundError: ``invitation_unknown``.
            ConflictError: ``invitation_used``, ``invitation_replaced`` or ``invitation_expired``.

        """
        found = await self._connection.scalar(
            select(invitations.c.id).where(invitations.c.token_hash == token_hash)
        )
        invitation = None if found is None else await self.get(found)
        if invitation is None:
            raise NotFoundError(
                "invitation_unknown", "This link is not valid. Ask the installer to invite you."
            )
        if invitation.status is InvitationStatus.ACCEPTED:
            raise ConflictError(
                "invitation_used", "This invitation has been accepted already. Log in instead."
            )
        if invitation.status is InvitationStatus.REPLACED:
            raise ConflictError(
                "invitation_replaced", "A newer invitation was sent. Use the link in that mail."
            )
        if invitation.expires_at <= now or invitation.status is InvitationStatus.EXPIRED:
            raise ConflictError(
                "invitation_expired", "This invitation has expired. Ask the installer for another."
            )
        return invitation

    async def accept(self, invitation_id: str, *, account_id: str, at: datetime) -> bool:
        """Grant the project to the account; True for exactly one caller."""
        result = await self._connection.execute(
            update(invitations)
            .where(invitations.c.id == invitation_id)
            .where(invitations.c.status == InvitationStatus.PENDING)
            .where(invitations.c.expires_at > at)
            .values(status=InvitationStatus.ACCEPTED, accepted_at=at, accepted_by=account_id)
        )
        if result.rowcount == 0:
            return False
        invitation = await self.get(invitation_id)
        assert invitation is not None  # noqa: S101 - it was updated just now
        await self._connection.execute(
            update(projects)
            .where(projects.c.id == invitation.project_id)
            .values(site_owner_id=account_id)
        )
        await announce_acceptance(
            self._connection,
            invitation.project_id,
            invitation_id=invitation_id,
            email=invitation.email,
            at=at,
        )
        return True
