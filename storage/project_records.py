"""Invitations and handovers, for the activities."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import NotFoundError
from domain.handover import CompleteHandover, HandoverNotice, HandoverResult, RemoveProject
from domain.invitations import (
    InvitationDraft,
    InvitationNews,
    InvitationSettled,
    NewInvitation,
    ResendInvitation,
)
from domain.states import InvitationStatus
from domain.webhooks import EVENT_OF_INVITATION
from storage.accounts import Accounts
from storage.catalogue import Catalogue
from storage.engine import Database
from storage.handover import Handover
from storage.invitation_ends import InvitationEnds
from storage.invitations import Invitations
from storage.members import Member, Members
from storage.models.accounts import Account
from storage.models.invitations import Invitation
from storage.models.projects import Project
from storage.project_mails import read_handover_notice, read_invited
from storage.project_shelf import ProjectShelf
from storage.records import CatalogueRecords
from storage.request_words import with_words
from storage.rows import Rows

_STILL_NEWS: Final = timedelta(days=1)


class StoredProjects(CatalogueRecords):
    """Records of projects, as activities ask for them; safe to repeat."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        *,
        invitation_lifetime: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(database, catalogue, now=now)
        self._lifetime = invitation_lifetime

    async def invite(
        self, project_id: str, request: NewInvitation, *, token_hash: str
    ) -> InvitationDraft:
        """Store the invitation, or find it, with what its mail says."""
        now = self._now()
        async with self._database.write() as connection:
            request = await with_words(connection, request)
            stored = await Invitations(connection).create(
                Invitation(
                    id=request.invitation_id,
                    project_id=project_id,
                    email=request.email,
                    role=request.role,
                    invited_by=request.by.account_id,
                    service_visit_id=request.service_visit_id,
                    message=request.message,
                    token_hash=token_hash,
                    status=InvitationStatus.PENDING,
                    created_at=now,
                    expires_at=now + self._lifetime,
                ),
                by=request.by,
                asked_at=request.asked_at or now,
            )
            return await _draft(connection, stored, sent=stored.sent_at is not None)

    async def resend(self, project_id: str, request: ResendInvitation) -> InvitationDraft:
        """Begin the invitation's time anew, with what its mail says."""
        async with self._database.write() as connection:
            stored = await Invitations(connection).resend(
                request.invitation_id,
                project_id,
                asked_at=request.asked_at,
                expires_at=request.asked_at + self._lifetime,
                by=request.by,
            )
            sent = stored.sent_at is not None and stored.sent_at >= request.asked_at
            return await _draft(connection, stored, sent=sent)

    async def invitation_sent(self, invitation_id: str) -> None:
        """The invitation's mail left."""
        async with self._database.write() as connection:
            await Invitations(connection).note(invitation_id, sent_at=self._now())

    async def settle_invitation(self, invitation_id: str) -> InvitationSettled:
        """Let it expire if its time is over, and find whom to tell of its end."""
        now = self._now()
        async with self._database.write() as connection:
            await InvitationEnds(connection).expire(invitation_id, at=now)
            row = await Rows(connection).find(
                select(
                    Invitation.__table__,
                    col(Project.name).label("project_name"),
                    col(Project.handed_over_at),
                )
                .join(Project, col(Project.id) == col(Invitation.project_id))
                .where(col(Invitation.id) == invitation_id)
            )
            if row is None:
                raise NotFoundError("invitation_not_found", "There is no such invitation.")
            inviter = await _inviter(connection, row)
        is_news = (
            row.status in EVENT_OF_INVITATION
            and row.told_at is None
            # Nobody waits any more for what comes after the handover.
            and (
                row.service_visit_id is not None
                or row.handed_over_at is None
                or row.ended_at <= row.handed_over_at
            )
            and row.ended_at > now - _STILL_NEWS
        )
        if inviter is None or not is_news:
            return InvitationSettled(status=row.status, expires_at=row.expires_at)
        news = InvitationNews(
            to=inviter.email,
            account_id=inviter.account_id if isinstance(inviter, Member) else inviter.id,
            invitation_id=invitation_id,
            project_name=row.project_name,
            invited_email=row.email,
            role=row.role,
            status=row.status,
            reason=row.reason,
            handed_over=row.handed_over_at is not None,
        )
        return InvitationSettled(status=row.status, expires_at=row.expires_at, news=news)

    async def invitation_told(self, invitation_id: str) -> None:
        """The inviter has been told."""
        async with self._database.write() as connection:
            await Invitations(connection).note(invitation_id, told_at=self._now())

    async def complete_handover(self, project_id: str, request: CompleteHandover) -> HandoverResult:
        """Hand over, or say what stands in the way."""
        async with self._database.write() as connection:
            return await Handover(connection, self._catalogue).complete(
                project_id, await with_words(connection, request), at=self._now()
            )

    async def handover_notice(self, project_id: str) -> HandoverNotice | None:
        """What its owner is to be told; None where nobody is to be told."""
        async with self._database.read() as connection:
            return await read_handover_notice(connection, project_id, now=self._now())

    async def handover_mailed(self, project_id: str) -> None:
        """The owner has been told."""
        async with self._database.write() as connection:
            await Rows(connection).at(Project, project_id).set(handover_mailed_at=self._now())

    async def remove(self, project_id: str, request: RemoveProject) -> None:
        """Remove the project, or say what is in it."""
        async with self._database.write() as connection:
            await ProjectShelf(connection).remove(project_id, at=self._now(), by=request.by)


async def _inviter(connection: AsyncConnection, invitation: Any) -> Account | Member | None:
    if invitation.service_visit_id is not None:
        owner = await Accounts(connection).get(invitation.invited_by)
        assert owner is not None, "an owner opens a visit"  # noqa: S101
        return owner
    members = Members(connection, invitation.project_id)
    return await members.member_or_maker(invitation.invited_by)


async def _draft(
    connection: AsyncConnection, invitation: Invitation, *, sent: bool
) -> InvitationDraft:
    maker = await Rows(connection).value(col(Project.installer_id), invitation.project_id)
    assert maker is not None, "a project has a maker"  # noqa: S101
    return InvitationDraft(
        invitation_id=invitation.id,
        account_id=invitation.invited_by or maker,  # an operator invites in the maker's name
        project=await read_invited(
            connection, invitation.project_id, service_visit_id=invitation.service_visit_id
        ),
        email=invitation.email,
        role=invitation.role,
        message=invitation.message,
        expires_at=invitation.expires_at,
        sent=sent,
    )
