"""Statements of a month, and which months are closed: nothing is issued into those any more."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.calendar import end_of_month, month_of
from domain.billing.held import Wanted
from domain.billing.statement import HeldTotals, Statement
from storage.cdrs import Cdrs
from storage.held import HeldRecords
from storage.issuers import Issuers
from storage.models.billing import HeldRecord
from storage.models.projects import Project as ProjectRow
from storage.projects import Project
from storage.rows import ProjectRepository

_MOMENT = timedelta(microseconds=1)


class Months(ProjectRepository):
    """The first month of one project that is still open.

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
