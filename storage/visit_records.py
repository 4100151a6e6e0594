"""Service visits, for the activities that look after them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import ENGINE, Actor
from domain.handover import Blocker, ProjectRequest
from domain.invitations import NewInvitation
from domain.service_visits import CloseVisit, VisitClosed, VisitNotice, VisitStands
from domain.states import InvitationStatus, ProjectRole, Role, ServiceVisitStatus
from storage.handover import charge_point_blockers
from storage.invitations import Invitations
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.invitations import Invitation, ServiceVisitChargePoint
from storage.models.invitations import ServiceVisit as ServiceVisitRow
from storage.models.projects import AuditEntry, Project
from storage.models.runs import CommissioningRun
from storage.records import CatalogueRecords
from storage.request_words import with_words
from storage.rows import Rows
from storage.run_queries import is_open
from storage.service_visits import ServiceVisit, ServiceVisits, closed_so, open_visits, refuse_over

_NO_MORE_TIME: Final = "Its time was over before it was closed."


class StoredVisits(CatalogueRecords):
    """Service visits, as activities ask for them; safe to repeat."""

    async def look(self, service_visit_id: str) -> VisitStands:
        """End it if its time is over, and say how it stands.

        Raises:
            NotFoundError: ``service_visit_not_found``.

        """
        now = self._now()
        async with self._database.write() as connection:
            visits = ServiceVisits(connection)
            visit = await visits.get(service_visit_id)
            await Rows(connection).at(Project, visit.project_id).lock()
            visit = await visits.get(service_visit_id)
            if visit.status.is_running and visit.ends_at <= now:
                await _take_back_invitation(connection, visit, at=now)
                visit = await visits.end(
                    visit,
                    ServiceVisitStatus.EXPIRED,
                    by=ENGINE,
                    at=now,
                    unfinished=True,
                    reason=_NO_MORE_TIME,
                )
            return VisitStands(
                status=visit.status,
                ends_at=visit.ends_at,
                project_id=visit.project_id,
                invitation=await _unsent(connection, visit),
                run_charge_point_ids=()
                if visit.status.is_running
                else await _with_open_runs(connection, visit.id),
                notice=None if visit.status.is_running else await _notice(connection, visit),
            )

    async def close(self, request: CloseVisit) -> VisitClosed:
        """Close it, or say what stands in the way; a repeat by the same words is answered alike.

        Raises:
            NotFoundError: ``service_visit_not_found``.
            ConflictError: ``service_visit_over``.

        """
        now = self._now()
        async with self._database.write() as connection:
            request = await with_words(connection, request)
            visits = ServiceVisits(connection)
            visit = await visits.get(request.service_visit_id)
            await Rows(connection).at(Project, visit.project_id).lock()
            visit = await visits.get(request.service_visit_id)
            if visit.closed_at is not None and closed_so(visit, request):
                return _answer(visit)
            refuse_over(visit, now=now)
            accepted = visit.status is ServiceVisitStatus.OPEN
            if accepted and not request.unfinished:
                blockers = await self._blockers(connection, visit)
                if blockers:
                    return VisitClosed(
                        service_visit_id=visit.id,
                        status=visit.status,
                        closed_at=None,
                        blockers=tuple(blockers),
                    )
            if not accepted:
                await _take_back_invitation(connection, visit, at=now, by=request.by)
            visit = await visits.end(
                visit,
                ServiceVisitStatus.CLOSED if accepted else ServiceVisitStatus.REVOKED,
                by=request.by,
                at=now,
                unfinished=accepted and request.unfinished,
                reason=request.reason,
                sign_off_notes=request.sign_off_notes,
                installer_signature=request.installer_signature,
            )
            return _answer(visit)

    async def _blockers(
        self, connection: AsyncConnection, visit: ServiceVisit
    ) -> Sequence[Blocker]:
        of_visit = select(col(ServiceVisitChargePoint.charge_point_id)).where(
            col(ServiceVisitChargePoint.service_visit_id) == visit.id
        )
        mine = col(ChargePoint.id).in_(of_visit)
        leaving = await connection.execute(
            select(col(ChargePoint.id), col(ChargePoint.serial_number))
            .where(mine, col(ChargePoint.withdrawal).is_not(None))
            .order_by(col(ChargePoint.id))
        )
        blockers = [
            Blocker(
                code="withdrawal_pending",
                detail=f"Charge point {row.serial_number} is being withdrawn. Wait until it is: "
                f"GET …/charge-points/{row.id} tells. Where it is offline, cut it off from its "
                f"supply, and have its installer send POST …/charge-points/{row.id}/withdraw "
                'once more, with "isolated": true.',
                charge_point_id=row.id,
            )
            for row in leaving
        ]
        blockers += await charge_point_blockers(
            connection,
            self._catalogue,
            among_which=and_(mine, col(ChargePoint.withdrawal).is_(None)),
            untouched=await _untouched(connection, visit),
        )
        return blockers

    async def told(self, service_visit_id: str) -> None:
        """Its end is known to whom it concerns."""
        async with self._database.write() as connection:
            await Rows(connection).at(ServiceVisitRow, service_visit_id).set(told_at=self._now())


async def _untouched(connection: AsyncConnection, visit: ServiceVisit) -> set[str]:
    """Charge points of the visit at which nothing was done in it, by the audit trail and runs."""
    done = await connection.scalars(
        union(
            select(col(AuditEntry.target))
            .where(col(AuditEntry.project_id) == visit.project_id)
            .where(col(AuditEntry.service_visit_id) == visit.id),
            select(col(CommissioningRun.charge_point_id)).where(
                col(CommissioningRun.service_visit_id) == visit.id
            ),
            select(col(ServiceVisitChargePoint.charge_point_id))
            .where(col(ServiceVisitChargePoint.service_visit_id) == visit.id)
            .where(col(ServiceVisitChargePoint.joined_at) > visit.opened_at),
        )
    )
    return set(visit.charge_point_ids).difference(done)


async def visits_to_look_after(
    connection: AsyncConnection, *, before: datetime, after: str, limit: int
) -> Sequence[ProjectRequest]:
    """Projects whose visits are not done with, opened before that moment, by the projects' ids."""
    rows = await Rows(connection).all(
        select(col(Project.id), col(Project.installer_id), col(Project.name))
        .where(
            col(Project.id).in_(
                select(col(ServiceVisitRow.project_id))
                .where(col(ServiceVisitRow.told_at).is_(None))
                .where(col(ServiceVisitRow.opened_at) < before)
            )
        )
        .where(col(Project.id) > after)
        .order_by(col(Project.id))
        .limit(limit)
    )
    return [
        ProjectRequest(
            project_id=row.id,
            installer_id=row.installer_id,
            name=row.name,
            handed_over=True,
            visits=await open_visits(connection, row.id),
        )
        for row in rows
    ]


def _answer(visit: ServiceVisit) -> VisitClosed:
    return VisitClosed(service_visit_id=visit.id, status=visit.status, closed_at=visit.closed_at)


async def _take_back_invitation(
    connection: AsyncConnection, visit: ServiceVisit, *, at: datetime, by: Actor = ENGINE
) -> None:
    """Its link opens nothing any more; one that has not left yet never will."""
    row = Rows(connection).at(
        Invitation, visit.invitation_id, col(Invitation.status) == InvitationStatus.PENDING
    )
    await row.set(
        status=InvitationStatus.EXPIRED if by == ENGINE else InvitationStatus.REVOKED,
        ended_at=at,
        told_at=at,
    )


async def _unsent(connection: AsyncConnection, visit: ServiceVisit) -> NewInvitation | None:
    if visit.status is not ServiceVisitStatus.INVITED:
        return None
    invitation = await Invitations(connection).get(visit.invitation_id)
    if invitation is not None and invitation.sent_at is not None:
        return None
    email = await Rows(connection).value(col(Account.email), visit.opened_by)
    return NewInvitation(
        invitation_id=visit.invitation_id,
        email=visit.email,
        message=visit.purpose,
        by=Actor(email=email, role=Role.SITE_OWNER.value, account_id=visit.opened_by),
        role=ProjectRole.SERVICE,
        asked_at=visit.opened_at,
        service_visit_id=visit.id,
    )


async def _with_open_runs(connection: AsyncConnection, service_visit_id: str) -> tuple[str, ...]:
    return tuple(
        await Rows(connection).values(
            select(col(CommissioningRun.charge_point_id))
            .where(col(CommissioningRun.service_visit_id) == service_visit_id, is_open())
            .order_by(col(CommissioningRun.charge_point_id))
        )
    )


async def _notice(connection: AsyncConnection, visit: ServiceVisit) -> VisitNotice | None:
    row = await Rows(connection).one(
        select(col(ServiceVisitRow.told_at), col(Project.name), col(Project.time_zone))
        .join(Project, col(Project.id) == col(ServiceVisitRow.project_id))
        .where(col(ServiceVisitRow.id) == visit.id)
    )
    if row.told_at is not None or visit.closed_at is None:
        return None
    people = await connection.execute(
        select(col(Account.role), col(Account.email)).where(
            col(Account.id).in_([one for one in (visit.opened_by, visit.installer_id) if one])
        )
    )
    return VisitNotice(
        account_id=visit.opened_by,
        to=tuple((one.role, one.email) for one in people),
        service_visit_id=visit.id,
        project_name=row.name,
        purpose=visit.purpose,
        status=visit.status,
        unfinished=visit.unfinished,
        reason=visit.reason,
        ended_at=visit.closed_at.astimezone(ZoneInfo(row.time_zone)),
    )
