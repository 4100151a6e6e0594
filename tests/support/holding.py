"""A record that is held, of a session that nobody else has to know of."""

from datetime import timedelta
from decimal import Decimal

from domain.billing.bound import RatingSource
from domain.billing.cdr import CdrLocation, CdrToken
from domain.billing.held import Bound, HeldDocument, HoldCause, Suggestion, Wanted
from storage.engine import Database
from storage.held import HeldRecords
from tests.support.rows import AT


def held_document(
    project: str,
    charge_point: str,
    session: int = 700,
    *,
    suggestion: str | None = "1.25",
    most: str = "56",
) -> HeldDocument:
    """Two hours at 22 kW, and more than that was told."""
    return HeldDocument(
        session_id=str(session),
        cdr_token=CdrToken(uid="04A2B3C4"),
        cdr_location=CdrLocation(
            id=project,
            name="Riverside",
            address="Bristol",
            charge_point_id=charge_point,
            charge_point="SN-1",
            connector_id=1,
            time_zone="UTC",
        ),
        start_date_time=AT,
        end_date_time=AT + timedelta(hours=2),
        start_received_at=AT,
        end_received_at=AT + timedelta(hours=2),
        currency="GBP",
        cause=HoldCause.ABOVE_BOUND,
        reason=f"7,930.000 kWh were told; no more than {most}.000 kWh can have been.",
        wanted=(Wanted.ENERGY,),
        bound=Bound(
            energy_kwh=Decimal(most),
            minutes=Decimal(120),
            power_kw=Decimal(22),
            power_source=RatingSource.CATALOGUE,
        ),
        suggestion=Suggestion(energy_kwh=None if suggestion is None else Decimal(suggestion)),
        meter_start_kwh=Decimal(0),
        meter_stop_kwh=Decimal(7930),
        readings=(),
    )


async def held_record(
    database: Database,
    project: str,
    charge_point: str,
    session: int = 700,
    *,
    suggestion: str | None = "1.25",
) -> str:
    """Store it; returns its id."""
    document = held_document(project, charge_point, session, suggestion=suggestion)
    async with database.write() as connection:
        held = await HeldRecords(connection, project).hold(
            document, transaction_id=session, stop_received_at=AT, known=None, at=AT
        )
    return held.id
