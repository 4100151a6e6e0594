"""How an invitation ends: accepted by one caller, declined, taken back, or out of time."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import ENGINE, Actor, AuditAction
from domain.errors import ConflictError
from domain.states import AccessMode, InvitationStatus, ProjectRole, Role, ServiceVisitStatus
from storage.announcements import announce_invitation
from storage.invitations import Invitations, not_pending
from storage.members import Members
from storage.models.billing import Tariff
from storage.models.invitations import Invitation
from storage.models.projects import IdTag, Project
from storage.rows import Rows
from storage.service_visits import ServiceVisits

_ENDED_BY: Final = {
    InvitationStatus.ACCEPTED: AuditAction.INVITATION_ACCEPTED,
    InvitationStatus.DECLINED: AuditAction.INVITATION_DECLINED,
    InvitationStatus.EXPIRED: AuditAction.INVITATION_EXPIRED,
}


class InvitationEnds(Invitations):
    """Ends invitations. Whoever ends one has locked its project before."""

    async def accept(
        self, invitation_id: str, *, account_id: str, at: datetime, address: str | None = None
    ) -> bool:
        """Make of the account what the invitation says; True for exactly one caller."""
        invitation = await self._end(
            invitation_id, InvitationStatus.ACCEPTED, at=at, address=address, accepted_by=account_id
        )
        if invitation is None:
            return False
        if invitation.service_visit_id is not None:
            await ServiceVisits(self._connection).accept(
                invitation.service_visit_id,
                account_id=account_id,
                by=_invited(invitation, address),
                at=at,
            )
            return True
        if invitation.role is not ProjectRole.SITE_OWNER:
            members = Members(self._connection, invitation.project_id)
            await members.put(account_id, invitation.role, at=at)
            return True
        await self._rows.at(Project, invitation.project_id).set(site_owner_id=account_id)
        return True

    async def decline(
        self, invitation_id: str, *, reason: str | None, at: datetime, address: str | None = None
    ) -> bool:
        """Refuse it for good; False when it is not pending any more."""
        ended = await self._end(
            invitation_id, InvitationStatus.DECLINED, at=at, address=address, reason=reason
        )
        if ended is not None:
            by = _invited(ended, address)
            await self._end_visit(ended, ServiceVisitStatus.DECLINED, by=by, at=at, reason=reason)
        return ended is not None

    async def expire(self, invitation_id: str, *, at: datetime) -> bool:
        """Write down that its time is over; False while it is not, and when it has ended."""
        ended = await self._end(invitation_id, InvitationStatus.EXPIRED, at=at)
        if ended is not None:
            await self._end_visit(ended, ServiceVisitStatus.EXPIRED, by=ENGINE, at=at)
        return ended is not None

    async def revoke(self, invitation: Invitation, *, at: datetime, by: Actor) -> Invitation:
        """Take it back; a site owner who has accepted has the project no more.

        What they had chosen goes with them: the next owner begins anew.

        Raises:
            ConflictError: ``invitation_not_pending``.

        """
        status = invitation.status_at(at)
        if status not in {InvitationStatus.PENDING, InvitationStatus.ACCEPTED}:
            raise not_pending(status, "There is nothing to take back.")
        if status is InvitationStatus.ACCEPTED and invitation.role is not ProjectRole.SITE_OWNER:
            raise not_pending(status, "Remove the collaborator from the project instead.")
        await self._rows.at(Invitation, invitation.id).set(
            status=InvitationStatus.REVOKED, ended_at=at, told_at=at
        )
        before: dict[str, Any] = {"status": status.value}
        if status is InvitationStatus.ACCEPTED:
            before |= await forget_choices(self._connection, invitation.project_id)
            await self._rows.at(
                Project, invitation.project_id, col(Project.site_owner_id) == invitation.accepted_by
            ).set(site_owner_id=None)
        await self._audit(AuditAction.INVITATION_REVOKED, by, invitation, at=at, before=before)
        return await self.of_project(invitation.id, invitation.project_id)

    async def _end_visit(
        self,
        invitation: Invitation,
        status: ServiceVisitStatus,
        *,
        by: Actor,
        at: datetime,
        reason: str | None = None,
    ) -> None:
        """A visit that nobody will come to is over with its invitation."""
        if invitation.service_visit_id is not None:
            visits = ServiceVisits(self._connection)
            visit = await visits.get(invitation.service_visit_id)
            await visits.end(visit, status, by=by, at=at, reason=reason)

    async def _end(
        self,
        invitation_id: str,
        status: InvitationStatus,
        *,
        at: datetime,
        address: str | None = None,
        **values: object,
    ) -> Invitation | None:
        """End a pending invitation and announce it; None when that is not to be done."""
        found = await self.get(invitation_id)
        if found is None:
            return None
        await self._lock(found.project_id)
        in_time = col(Invitation.expires_at) > at
        ended = await self._rows.at(
            Invitation,
            invitation_id,
            col(Invitation.status) == InvitationStatus.PENDING,
            ~in_time if status is InvitationStatus.EXPIRED else in_time,
        ).set(status=status, ended_at=at, **values)
        if not ended:
            return None
        invitation = await self.of_project(invitation_id, found.project_id)
        if invitation.role is ProjectRole.SITE_OWNER:  # webhooks tell of the site, not of the team
            await announce_invitation(
                self._connection,
                invitation.project_id,
                status,
                invitation_id=invitation_id,
                email=invitation.email,
                reason=invitation.reason,
                at=at,
            )
        invited = _invited(invitation, address)
        await self._audit(
            _ENDED_BY[status],
            ENGINE if status is InvitationStatus.EXPIRED else invited,
            invitation,
            at=at,
            before={"status": InvitationStatus.PENDING.value},
        )
        return invitation


def _invited(invitation: Invitation, address: str | None) -> Actor:
    return Actor(
        email=invitation.email,
        role=invitation.role.account_role.value,
        account_id=invitation.accepted_by,
        address=address,
    )


def why_not_pending(status: InvitationStatus) -> ConflictError:
    """Say to the invited person why the link does nothing any more."""
    match status:
        case InvitationStatus.ACCEPTED:
            return ConflictError(
                "invitation_used", "This invitation has been accepted already. Log in instead."
            )
        case InvitationStatus.DECLINED:
            return ConflictError(
                "invitation_declined",
                "This invitation was declined. Ask whoever invited you for another if that was a "
                "mistake.",
            )
        case InvitationStatus.REVOKED:
            return ConflictError(
                "invitation_revoked",
                "This invitation was taken back. Ask whoever invited you if you did expect it.",
            )
        case InvitationStatus.REPLACED:
            return ConflictError(
                "invitation_replaced", "A newer invitation was sent. Use the link in that mail."
            )
        case InvitationStatus.EXPIRED | InvitationStatus.PENDING:
            return ConflictError(
                "invitation_expired",
                "This invitation has expired. Ask whoever invited you for another.",
            )


async def forget_choices(connection: AsyncConnection, project_id: str) -> dict[str, Any]:
    """Drop who may charge and the owner's tariffs; returns what there was, for the audit trail.

    Nothing was billed by them: the project is locked, and is not handed over. The limit of the
    supply and the time zone are facts of the site, and stay; so does what the installer has chosen.
    """
    access = await Rows(connection).value(col(Project.access), project_id)
    row = Rows(connection).at(Project, project_id, col(Project.access_set_as) == Role.SITE_OWNER)
    await row.set(access=AccessMode.LISTED, access_set_as=None, offline=None)
    found: dict[str, Any] = {"access": access}
    for name, table in (("id_tags", IdTag.__table__), ("tariffs", Tariff.__table__)):
        its = (table.c.project_id == project_id) & (table.c.set_as == Role.SITE_OWNER)
        found[name] = (await connection.execute(delete(table).where(its))).rowcount
    return found
