"""Statements of a month: who issues them, which months are closed, and what one says."""

from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.billing.calendar import end_of_month, month_of
from domain.billing.held import Wanted
from domain.billing.statement import HeldTotals, Issuer, Statement
from storage.audit import Audit
from storage.cdrs import Cdrs
from storage.held import HeldRecords
from storage.models.accounts import Account
from storage.models.billing import BillingIssuer, HeldRecord
from storage.models.projects import Project as ProjectRow
from storage.projects import Project
from storage.read_models import read_model
from storage.rows import ProjectRepository

_issuer = read_model(Issuer)


class Issuers(ProjectRepository):
    """In whose name the statements of one project are, and since when."""

    async def put(self, issuer: Issuer, *, by: Actor, at: datetime) -> None:
        """Let statements be in this name from now on; a repeat changes nothing."""
        await self._rows.at(ProjectRow, self._project_id).lock()
        stored = await self._stored(at)
        if stored == issuer:
            return
        await self._rows.add(BillingIssuer, issuer, project_id=self._project_id, valid_from=at)
        await Audit(self._connection, self._project_id).write(
            AuditAction.ISSUER_CHANGED,
            by,
            target=self._project_id,
            at=at,
            before=None if stored is None else asdict(stored),
            after=asdict(issuer),
        )

    async def valid_at(self, moment: datetime) -> Issuer:
        """The one of that moment; where the owner has said none it is the owner's account."""
        stored = await self._stored(moment)
        if stored is not None:
            return stored
        row = await self._rows.one(
            select(col(Account.name), col(Account.company))
            .join(ProjectRow, col(ProjectRow.site_owner_id) == col(Account.id))
            .where(col(ProjectRow.id) == self._project_id)
        )
        return Issuer(name=row.company or row.name)

    async def _stored(self, moment: datetime) -> Issuer | None:
        return await self._rows.read(
            self._mine(BillingIssuer)
            .where(col(BillingIssuer.valid_from) <= moment)
            .order_by(col(BillingIssuer.valid_from).desc(), col(BillingIssuer.id).desc())
            .limit(1),
            _issuer,
        )


_MOMENT = timedelta(microseconds=1)


class Months(ProjectRepository):
    """The first month of one project that is still open; nothing is issued into one before it.

    Once open it is never an earlier one again, whatever becomes of the clock or the time zone.
    """

    async def open_at(self, moment: datetime) -> tuple[str, bool]:
        """The month that is open then, and whether those before it are closed for good."""
        project = await self._rows.get(ProjectRow, self._project_id)
        opened, zone = project.open_month or "", ZoneInfo(project.time_zone)
        by_the_clock = month_of(moment, zone)
        return max(opened, by_the_clock), opened >= by_the_clock

    async def close(self, moment: datetime) -> None:
        """Close the months that are over then.

        The lock waits for whoever is issuing into one of them; who comes later finds it closed.
        """
        project = self._rows.at(ProjectRow, self._project_id)
        await project.lock()
        opened, _ = await self.open_at(moment)
        await project.set(open_month=opened)


async def read_statement(
    connection: AsyncConnection, project: Project, month: str, *, at: datetime, complete: bool
) -> Statement:
    """Gather it; one that is complete is as its last moment was, whatever was changed since."""
    cdrs = await Cdrs(connection, project.id).of_month(month)
    name, address, zone = project.name, project.address, project.time_zone
    if complete:
        if cdrs:
            place = cdrs[-1].cdr_location
            name, address, zone = place.name, place.address, place.time_zone
        at = end_of_month(month, ZoneInfo(zone))
    held = await HeldRecords(connection, project.id).open_at(at)
    return Statement(
        project_id=project.id,
        project=name,
        address=address,
        time_zone=zone,
        month=month,
        complete=complete,
        at=at,
        cdrs=tuple(cdrs),
        issuer=await Issuers(connection, project.id).valid_at(at - _MOMENT),
        held=HeldTotals(
            sessions=len(held), most_kwh=sum((_doubted_kwh(one) for one in held), Decimal(0))
        ),
    )


def _doubted_kwh(held: HeldRecord) -> Decimal:
    """How much energy may be in doubt; of one whose time is held, none."""
    document = held.document
    return document.bound.energy_kwh if Wanted.ENERGY in document.wanted else Decimal(0)
