"""A month's statement, gathered from its rows: of a month that is over always the same."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.calendar import end_of_month
from domain.billing.held import Wanted
from domain.billing.statement import HeldTotals, Statement
from storage.cdrs import Cdrs
from storage.held import HeldRecords
from storage.issuers import Issuers
from storage.models.billing import HeldRecord
from storage.projects import Project

_MOMENT = timedelta(microseconds=1)


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
