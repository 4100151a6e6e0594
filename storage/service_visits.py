"""Service visits: opened by the owner of a site, accepted by one installer, and closed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError, NotFoundError
from domain.handover import OpenVisit
from domain.rules.numbers import counted
from domain.service_visits import CloseVisit
from domain.states import ServiceVisitStatus
from domain.webhooks import WebhookEvent
from storage.announcements import announce_visit
from storage.audit import Audit
from storage.dialects import among, at_once
from storage.in_use import is_commissioned
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit as ServiceVisitRow
from storage.models.invitations import ServiceVisitChargePoint
from storage.read_models import read_model
from storage.rows import AnyRow, Repository, Rows

_RUNNING = (ServiceVisitStatus.INVITED, ServiceVisitStatus.OPEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceVisit:
    """A visit; ``closed_at`` and ``closed_by`` (a role, or ``engine``): since when it is over."""

    id: str
    project_id: str
    opened_by: str
    opened_at: datetime
    ends_at: datetime
    purpose: str
    all_charge_points: bool
    email: str
    invitation_id: str
    status: ServiceVisitStatus = ServiceVisitStatus.INVITED
    installer_id: str | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    unfinished: bool = False
    reason: str | None = None
    sign_off_notes: str | None = None
    installer_signature: str | None = None
    charge_point_ids: tuple[str, ...] = ()

    def status_at(self, now: datetime) -> ServiceVisitStatus:
        """Its status by the clock: it is over on time, though nobody has written that down."""
        if self.status.is_running and self.ends_at <= now:
            return ServiceVisitStatus.EXPIRED
        return self.status


_visit = read_model(ServiceVisit)


class ServiceVisits(Repository):
    """Repository of service visits. Whoever changes one has locked its project before.

    Where one that is asked for is not there: NotFoundError, ``service_visit_not_found``.
    """

    async def open(
        self, visit: ServiceVisit, *, charge_point_ids: Collection[str] | None, by: Actor
    ) -> ServiceVisit:
        """Store a visit to these charge points of its project, or to all of them.

        Raises:
            NotFoundError: ``charge_point_not_found``.
            ConflictError: ``service_visit_open`` with ``service_visit_id`` and the
                ``charge_point_ids`` that it has.

        """
        taken = await self._present(visit.project_id, charge_point_ids)
        await self._refuse_taken(taken, now=visit.opened_at)
        await self._rows.add(ServiceVisitRow, visit)
        await self._join(visit.id, taken, at=visit.opened_at)
        await self._announce(WebhookEvent.SERVICE_VISIT_OPENED, visit.id, at=visit.opened_at)
        await self._audit(
            AuditAction.SERVICE_VISIT_OPENED,
            visit,
            by=by,
            at=visit.opened_at,
            after={
                "email": visit.email,
                "purpose": visit.purpose,
                "ends_at": visit.ends_at.isoformat(),
                "charge_points": "all" if visit.all_charge_points else taken,
            },
        )
        return await self.of_project(visit.id, visit.project_id)

    async def change(
        self,
        visit: ServiceVisit,
        *,
        ends_at: datetime | None,
        add_charge_points: Collection[str],
        by: Actor,
        at: datetime,
    ) -> ServiceVisit:
        """Move the end of a visit, and give it more charge points.

        Raises:
            NotFoundError: ``charge_point_not_found``.
            ConflictError: ``service_visit_over``; ``service_visit_open``.

        """
        refuse_over(visit, now=at)
        present = await self._present(visit.project_id, add_charge_points)
        added = [one for one in present if one not in visit.charge_point_ids]
        await self._refuse_taken(added, now=at)
        await self._join(visit.id, added, at=at)
        if ends_at is not None:
            await self._set(visit.id, ends_at=ends_at)
        changed = await self.of_project(visit.id, visit.project_id)
        await self._audit(
            AuditAction.SERVICE_VISIT_CHANGED,
            visit,
            by=by,
            at=at,
            before=_terms(visit),
            after=_terms(changed),
        )
        return changed

    async def accept(self, visit_id: str, *, account_id: str, by: Actor, at: datetime) -> None:
        """Give the visit its installer, and with that its rights.

        Raises:
            ConflictError: ``service_visit_over``.

        """
        visit = await self.get(visit_id)
        refuse_over(visit, now=at)
        await self._set(
            visit_id, status=ServiceVisitStatus.OPEN, installer_id=account_id, accepted_at=at
        )
        await self._announce(WebhookEvent.SERVICE_VISIT_ACCEPTED, visit_id, at=at)
        await self._audit(
            AuditAction.SERVICE_VISIT_ACCEPTED,
            visit,
            by=by,
            at=at,
            before={"status": visit.status.value},
            after={"status": ServiceVisitStatus.OPEN.value, "installer_id": account_id},
        )

    async def end(
        self,
        visit: ServiceVisit,
        status: ServiceVisitStatus,
        *,
        by: Actor,
        at: datetime,
        unfinished: bool = False,
        reason: str | None = None,
        sign_off_notes: str | None = None,
        installer_signature: str | None = None,
    ) -> ServiceVisit:
        """End a visit; its rights end with this. One that is over stays as it is."""
        if not visit.status.is_running:
            return visit
        values: dict[str, Any] = {
            "status": status,
            "unfinished": unfinished,
            "reason": reason,
            "sign_off_notes": sign_off_notes,
            "installer_signature": installer_signature,
        }
        await self._set(visit.id, closed_at=at, closed_by=by.role, **values)
        await self._announce(WebhookEvent.SERVICE_VISIT_CLOSED, visit.id, at=at)
        await self._audit(
            AuditAction.SERVICE_VISIT_CLOSED,
            visit,
            by=by,
            at=at,
            before={"status": visit.status.value},
            after={**values, "status": status.value},
        )
        return await self.of_project(visit.id, visit.project_id)

    async def get(self, visit_id: str) -> ServiceVisit:
        """One visit."""
        return await self._one(visit_id)

    async def of_project(self, visit_id: str, project_id: str) -> ServiceVisit:
        """One visit of a project."""
        return await self._one(visit_id, col(ServiceVisitRow.project_id) == project_id)

    async def not_commissioned(self, visit_id: str) -> Sequence[str]:
        """Ids of its charge points that are there, and that no run has passed at."""
        return await self._rows.values(
            select(col(ChargePoint.id))
            .join(
                ServiceVisitChargePoint,
                col(ServiceVisitChargePoint.charge_point_id) == col(ChargePoint.id),
            )
            .where(col(ServiceVisitChargePoint.service_visit_id) == visit_id)
            .where(col(ChargePoint.withdrawn_at).is_(None), ~is_commissioned())
            .order_by(col(ChargePoint.id))
        )

    async def of_installer(self, visit_id: str, account_id: str) -> ServiceVisit:
        """One visit that the account has accepted, over or not."""
        return await self._one(visit_id, col(ServiceVisitRow.installer_id) == account_id)

    async def page(
        self, project_id: str, *, before: str | None, limit: int
    ) -> Sequence[ServiceVisit]:
        """Visits of a project, newest first, older than the id ``before``."""
        mine = col(ServiceVisitRow.project_id) == project_id
        return await self._page(mine, before=before, limit=limit)

    async def page_of_installer(
        self, account_id: str, *, before: str | None, limit: int
    ) -> Sequence[ServiceVisit]:
        """Visits that the account has accepted, newest first, older than the id ``before``."""
        mine = col(ServiceVisitRow.installer_id) == account_id
        return await self._page(mine, before=before, limit=limit)

    async def _present(self, project_id: str, wanted: Collection[str] | None) -> list[str]:
        query = select(col(ChargePoint.id)).where(col(ChargePoint.project_id) == project_id)
        found = set(await self._connection.scalars(query))
        unknown = [one for one in wanted or () if one not in found]
        if unknown:
            raise NotFoundError(
                "charge_point_not_found",
                f"The project has no charge point {unknown[0]}; …/charge-points lists them.",
            )
        return sorted(found if wanted is None else set(wanted))

    async def _refuse_taken(self, wanted: Collection[str], *, now: datetime) -> None:
        rows = await self._rows.all(
            select(
                col(ServiceVisitRow.id),
                ServiceVisitChargePoint.__table__.c.charge_point_id.label("cp"),
            )
            .join(
                ServiceVisitChargePoint,
                col(ServiceVisitChargePoint.service_visit_id) == col(ServiceVisitRow.id),
            )
            .where(among(self._connection, col(ServiceVisitChargePoint.charge_point_id), wanted))
            .where(col(ServiceVisitRow.status).in_(_RUNNING), col(ServiceVisitRow.ends_at) > now)
            .order_by(col(ServiceVisitRow.id), col(ServiceVisitChargePoint.charge_point_id))
        )
        if rows:
            first = rows[0].id
            theirs = [row.cp for row in rows if row.id == first]
            raise ConflictError(
                "service_visit_open",
                f"Service visit {first} has {counted(len(theirs), 'charge point')} of these. Close "
                "it first, or leave them out: a charge point is in one visit at a time.",
                service_visit_id=first,
                charge_point_ids=theirs,
            )

    async def _join(self, visit_id: str, new: Collection[str], *, at: datetime) -> None:
        if new:
            await self._connection.execute(
                at_once(self._connection, insert(ServiceVisitChargePoint)),
                [
                    {"service_visit_id": visit_id, "charge_point_id": one, "joined_at": at}
                    for one in new
                ],
            )

    async def _set(self, visit_id: str, **values: object) -> None:
        await self._rows.at(ServiceVisitRow, visit_id).set(**values)

    async def _announce(self, event: WebhookEvent, visit_id: str, *, at: datetime) -> None:
        visit = await self._rows.get(ServiceVisitRow, visit_id)
        await announce_visit(self._connection, event, visit, at=at)

    async def _audit(
        self, action: AuditAction, visit: ServiceVisit, *, by: Actor, at: datetime, **said: Any
    ) -> None:
        await Audit(self._connection, visit.project_id).write(
            action, by, target=visit.id, at=at, **said
        )

    async def _one(self, visit_id: str, *also: ColumnElement[bool]) -> ServiceVisit:
        which = col(ServiceVisitRow.id) == visit_id
        rows = await self._rows.all(select(ServiceVisitRow.__table__).where(which, *also))
        for visit in await self._with_charge_points(rows):
            return visit
        raise NotFoundError("service_visit_not_found", "There is no service visit with this id.")

    async def _page(
        self, mine: ColumnElement[bool], *, before: str | None, limit: int
    ) -> Sequence[ServiceVisit]:
        return await self._with_charge_points(
            await self._rows.newest(
                select(ServiceVisitRow.__table__).where(mine),
                key=col(ServiceVisitRow.id),
                before=before,
                limit=limit,
            )
        )

    async def _with_charge_points(self, rows: Sequence[AnyRow]) -> Sequence[ServiceVisit]:
        column = ServiceVisitChargePoint.__table__.c
        members = await self._rows.all(
            select(column.service_visit_id, column.charge_point_id)
            .where(among(self._connection, column.service_visit_id, [row.id for row in rows]))
            .order_by(column.charge_point_id)
        )
        of_visit: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        for visit_id, charge_point_id in members:
            of_visit[visit_id] += (charge_point_id,)
        return [replace(_visit(row), charge_point_ids=of_visit[row.id]) for row in rows]


def refuse_over(visit: ServiceVisit, *, now: datetime) -> None:
    """Refuse what is done in a visit that is not over.

    Raises:
        ConflictError: ``service_visit_over``.

    """
    status = visit.status_at(now)
    if not status.is_running:
        raise ConflictError(
            "service_visit_over",
            f"This service visit is over: it is {status.value}. The site owner can open another, "
            f"with POST …/site-owner/projects/{visit.project_id}/service-visits.",
        )


def closed_so(visit: ServiceVisit, request: CloseVisit) -> bool:
    """Tell whether it was closed by these very words."""
    return (
        visit.unfinished,
        visit.reason,
        visit.sign_off_notes,
        visit.installer_signature,
        visit.closed_by,
    ) == (
        request.unfinished,
        request.reason,
        request.sign_off_notes,
        request.installer_signature,
        request.by.role,
    )


async def open_visits(connection: AsyncConnection, project_id: str) -> tuple[OpenVisit, ...]:
    """Visits that the project's workflow has to look at: it has at each at once."""
    rows = await Rows(connection).all(
        select(col(ServiceVisitRow.id), col(ServiceVisitRow.opened_at))
        .where(col(ServiceVisitRow.project_id) == project_id)
        .where(col(ServiceVisitRow.told_at).is_(None))
        .order_by(col(ServiceVisitRow.id))
    )
    return tuple(OpenVisit(service_visit_id=visit, due_at=since) for visit, since in rows)


def _terms(visit: ServiceVisit) -> dict[str, Any]:
    return {"ends_at": visit.ends_at.isoformat(), "charge_points": list(visit.charge_point_ids)}
