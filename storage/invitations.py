"""Invitations to a project: one token, one grant."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, literal, or_, select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError, NotFoundError
from domain.handover import ProjectRequest
from domain.states import InvitationStatus, ProjectRole, ProjectStatus, Role
from storage.audit import Audit
from storage.members import works_on
from storage.models.accounts import Account
from storage.models.invitations import Invitation
from storage.models.projects import Project
from storage.projects import refused_as_archived
from storage.rows import Repository, record_of
from storage.service_visits import ServiceVisits, open_visits, refuse_over

_AT_ONCE: Final = timedelta(seconds=5)
"""Between two requests that are one: a double click, and clocks that differ."""


_invitation = record_of(Invitation)


class Invitations(Repository):
    """Repository of invitations. Callers that change one have locked its project before."""

    async def create(self, invitation: Invitation, *, by: Actor, asked_at: datetime) -> Invitation:
        """Store a pending invitation, or return the one that already has its id.

        Two that are asked for at once, to one address and in the same words, are one. An earlier
        pending one is replaced, of the site owner or of the same collaborator: its link stops
        working.

        Raises:
            ConflictError: ``owner_accepted``, ``already_collaborator`` or ``project_handed_over``.

        """
        existing = await self.get(invitation.id)
        if existing is not None:
            return existing
        if invitation.service_visit_id is not None:
            await self._lock(invitation.project_id)
            visits = ServiceVisits(self._connection)
            visit = await visits.of_project(invitation.service_visit_id, invitation.project_id)
            refuse_over(visit, now=asked_at)
            replaced = col(Invitation.service_visit_id) == invitation.service_visit_id
        else:
            await self.refuse_needless(invitation.project_id, invitation.role, invitation.email)
            replaced = col(Invitation.role) == ProjectRole.SITE_OWNER
            if invitation.role is not ProjectRole.SITE_OWNER:
                replaced = col(Invitation.role).in_((ProjectRole.LEAD, ProjectRole.TECHNICIAN)) & (
                    col(Invitation.email) == invitation.email
                )
        twin = await self._twin(invitation, asked_at)
        if twin is not None:
            return twin
        at = invitation.created_at
        earlier = self._rows.those(
            Invitation,
            col(Invitation.project_id) == invitation.project_id,
            col(Invitation.status) == InvitationStatus.PENDING,
            replaced,
        )
        await earlier.set(status=InvitationStatus.REPLACED, ended_at=at, told_at=at)
        await self._rows.add(Invitation, invitation)
        await self._audit(AuditAction.INVITATION_SENT, by, invitation, at=at)
        return invitation

    async def refuse_needless(self, project_id: str, role: ProjectRole, email: str) -> None:
        """Refuse to invite somebody who is there, or for a place that is taken; lock the project.

        Raises:
            ConflictError: ``owner_accepted``, ``already_collaborator`` or ``project_handed_over``.

        """
        await self._lock(project_id)
        project = await self._rows.get(Project, project_id)
        if project.status is ProjectStatus.HANDED_OVER:
            raise ConflictError(
                "project_handed_over", "The project was handed over; nobody is invited any more."
            )
        if project.archived_at is not None:
            raise refused_as_archived(project_id, project.archived_at)
        if role is ProjectRole.SITE_OWNER:
            owner = await self._rows.value(col(Account.email), project.site_owner_id)
            if owner is not None:
                raise ConflictError(
                    "owner_accepted",
                    f"{owner} has accepted and is the site owner. Revoke that invitation "
                    "first if somebody else is to have the project.",
                    invitation_id=await self._accepted_by_owner(project_id),
                )
            return
        collaborator = await self._connection.scalar(
            select(col(Account.id))
            .where(col(Account.email) == email, col(Account.role) == Role.INSTALLER)
            .where(works_on(literal(project_id), col(Account.id)))
        )
        if collaborator is not None:
            raise ConflictError(
                "already_collaborator",
                f"{email} works on the project already. Change their role if that is meant.",
                account_id=collaborator,
            )

    async def _twin(self, invitation: Invitation, asked_at: datetime) -> Invitation | None:
        """Return the pending one that was asked for at the same time; the project is locked."""
        message, of_visit = col(Invitation.message), col(Invitation.service_visit_id)
        return await self._rows.read(
            select(Invitation.__table__)
            .where(col(Invitation.project_id) == invitation.project_id)
            .where(col(Invitation.status) == InvitationStatus.PENDING)
            .where(col(Invitation.email) == invitation.email)
            .where(col(Invitation.role) == invitation.role)
            .where(of_visit.is_not_distinct_from(invitation.service_visit_id))
            .where(message.is_not_distinct_from(invitation.message))
            .where(col(Invitation.created_at) > asked_at - _AT_ONCE)
            .order_by(col(Invitation.id).desc())
            .limit(1),
            _invitation,
        )

    async def note(self, invitation_id: str, **moments: datetime) -> None:
        """Note a moment of it, such as ``sent_at`` or ``told_at``."""
        await self._rows.at(Invitation, invitation_id).set(**moments)

    async def get(self, invitation_id: str) -> Invitation | None:
        """Return an invitation."""
        return await self._rows.look_up(Invitation, invitation_id)

    async def of_project(self, invitation_id: str, project_id: str) -> Invitation:
        """Return an invitation of a project.

        Raises:
            NotFoundError: ``invitation_not_found``.

        """
        invitation = await self.get(invitation_id)
        if invitation is None or invitation.project_id != project_id:
            raise NotFoundError(
                "invitation_not_found", "The project has no invitation with this id."
            )
        return invitation

    async def page(
        self, project_id: str, *, before: str | None, limit: int
    ) -> Sequence[Invitation]:
        """Return invitations of a project, newest first, older than the id ``before``."""
        query = select(Invitation.__table__).where(col(Invitation.project_id) == project_id)
        return await self._page(query, before=before, limit=limit)

    async def page_of_invited(
        self, email: str, side: Role, *, before: str | None, limit: int
    ) -> Sequence[Invitation]:
        """Return invitations to an address, for accounts of that kind, newest first."""
        roles = [role for role in ProjectRole if role.account_role is side]
        query = select(Invitation.__table__).where(
            col(Invitation.email) == email, col(Invitation.role).in_(roles)
        )
        return await self._page(query, before=before, limit=limit)

    async def was_accepted(self, inviter_id: str, *, email: str | None = None) -> bool:
        """Tell whether the person with that address accepted an invitation of the account."""
        query = (
            select(col(Invitation.id))
            .where(col(Invitation.invited_by) == inviter_id)
            .where(col(Invitation.accepted_by).is_not(None))
        )
        if email is not None:
            query = query.where(col(Invitation.email) == email)
        return await self._connection.scalar(query.limit(1)) is not None

    async def lock(self, invitation: Invitation) -> None:
        """Keep everybody else from changing it; how it stands is to be read after this."""
        await self._lock(invitation.project_id)

    async def refuse_archived(self, invitation: Invitation) -> None:
        """Let nobody into a project that is put aside; the invitation stays as it is.

        Raises:
            ConflictError: ``project_archived``.

        """
        project = await self._rows.get(Project, invitation.project_id)
        if project.archived_at is not None:
            raise ConflictError(
                "project_archived",
                f"{project.name} is archived, so nobody joins it for now. Ask whoever has invited "
                "you to bring it back; this link works again then, until it expires.",
            )

    async def by_token(self, token_hash: str) -> Invitation:
        """Find the invitation of a token, pending or not.

        Raises:
            NotFoundError: ``invitation_unknown``.

        """
        query = select(Invitation.__table__).where(col(Invitation.token_hash) == token_hash)
        invitation = await self._rows.read(query, _invitation)
        if invitation is None:
            raise unknown_invitation()
        return invitation

    async def resend(
        self,
        invitation_id: str,
        project_id: str,
        *,
        asked_at: datetime,
        expires_at: datetime,
        by: Actor,
    ) -> Invitation:
        """Begin the time of a pending invitation anew, once for each ``asked_at``.

        Raises:
            NotFoundError: ``invitation_not_found``.
            ConflictError: ``invitation_not_pending``.

        """
        await self._lock(project_id)
        invitation = await self.of_project(invitation_id, project_id)
        if invitation.status_at(asked_at) is not InvitationStatus.PENDING:
            raise not_pending(invitation.status_at(asked_at), "Send a new one instead.")
        if invitation.expires_at < expires_at:
            await self.note(invitation_id, expires_at=expires_at)
            await self._audit(AuditAction.INVITATION_RESENT, by, invitation, at=asked_at)
        return await self.of_project(invitation_id, project_id)

    async def untold_ends(
        self, *, before: datetime, after: str, limit: int
    ) -> Sequence[tuple[str, ProjectRequest]]:
        """Return invitations whose end, before that moment, nobody has written down or told.

        Those of a project that is handed over are left out, except those to a service visit:
        nobody waits for the others any more.
        """
        query = (
            select(
                col(Invitation.id),
                col(Invitation.project_id),
                col(Project.installer_id),
                col(Project.name),
                col(Project.status),
            )
            .join(Project, col(Project.id) == col(Invitation.project_id))
            .where(
                (col(Project.status) == ProjectStatus.IN_PROGRESS)
                | col(Invitation.service_visit_id).is_not(None)
            )
            .where(col(Invitation.told_at).is_(None), col(Invitation.id) > after)
            .where(
                or_(
                    col(Invitation.ended_at) < before,
                    and_(
                        col(Invitation.status) == InvitationStatus.PENDING,
                        col(Invitation.expires_at) < before,
                    ),
                )
            )
            .order_by(col(Invitation.id))
            .limit(limit)
        )
        return [
            (
                row.id,
                ProjectRequest(
                    project_id=row.project_id,
                    installer_id=row.installer_id,
                    name=row.name,
                    handed_over=row.status == ProjectStatus.HANDED_OVER,
                    visits=await open_visits(self._connection, row.project_id),
                ),
            )
            for row in await self._rows.all(query)
        ]

    async def _audit(
        self,
        action: AuditAction,
        actor: Actor,
        invitation: Invitation,
        *,
        at: datetime,
        before: Mapping[str, Any] | None = None,
    ) -> None:
        after = {"email": invitation.email, "role": invitation.role.value}
        if invitation.reason is not None:
            after["reason"] = invitation.reason
        await Audit(self._connection, invitation.project_id).write(
            action, actor, target=invitation.id, at=at, before=before, after=after
        )

    async def _lock(self, project_id: str) -> None:
        await self._rows.at(Project, project_id).lock()

    async def _accepted_by_owner(self, project_id: str) -> str | None:
        query = (
            select(col(Invitation.id))
            .where(col(Invitation.project_id) == project_id)
            .where(col(Invitation.role) == ProjectRole.SITE_OWNER)
            .where(col(Invitation.status) == InvitationStatus.ACCEPTED)
            .order_by(col(Invitation.id).desc())
            .limit(1)
        )
        return await self._connection.scalar(query)

    async def _page(
        self, query: Select[*tuple[Any, ...]], *, before: str | None, limit: int
    ) -> Sequence[Invitation]:
        return await self._rows.read_newest(
            query, _invitation, key=col(Invitation.id), before=before, limit=limit
        )


def unknown_invitation() -> NotFoundError:
    """Make the error for a token that opens nothing."""
    return NotFoundError(
        "invitation_unknown", "This link is not valid. Ask whoever wanted to invite you."
    )


def not_pending(status: InvitationStatus, what_then: str) -> ConflictError:
    """Make the error that tells the inviter why the invitation cannot be used any more."""
    return ConflictError(
        "invitation_not_pending", f"This invitation is {status.value}, not pending. {what_then}"
    )
