"""What a charge point told of a session, gathered from its rows for the judgement of its price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.billing.bound import Rating, most_over_five_minutes, rate
from domain.billing.cdr import LinkSecurity, SignedNature, SignedReading
from domain.billing.clocks import Times
from domain.billing.judging import ToldSession
from domain.billing.register import Reading
from domain.billing.rising import rising
from domain.power.site import NOMINAL_VOLTAGE
from domain.reported import ReadingContext
from domain.rules.sampled_values import read_samples, signed_data
from storage.catalogue import Catalogue
from storage.connectors import read_suspensions
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.transactions import MeterValue, Transaction
from storage.rows import Rows

_Value = Row[datetime, datetime, Any, bool]
_MWH: Final = 1000  # in a Wh
_SESSIONS_LOOKED_AT: Final = 100
_VALUES_LOOKED_AT: Final = 2000
"""Of this session and those before, to see how much power the charge point has shown."""
_NATURES: Final[Mapping[str, SignedNature]] = {
    ReadingContext.BEGIN: SignedNature.START,
    ReadingContext.END: SignedNature.END,
}


class Site(NamedTuple):
    """Where it was."""

    charge_point: ChargePoint
    project: Project


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """A session as it was told, and what its meter has signed of it."""

    told: ToldSession
    signed: tuple[SignedReading, ...]


def times_of(row: Transaction) -> Times:
    """Return when a transaction began and ended, by its row: it has ended."""
    assert row.stopped_at is not None and row.stop_received_at is not None  # noqa: S101, PT018
    return Times(
        started_at=row.started_at,
        received_at=row.received_at,
        stopped_at=row.stopped_at,
        stop_received_at=row.stop_received_at,
        start_ahead=_ahead(row.start_ahead_s),
        stop_ahead=_ahead(row.stop_ahead_s),
    )


def link_of(charge_point: ChargePoint) -> LinkSecurity:
    """Return whether the charge point proves who it is: it has to once it has a key."""
    has_key = charge_point.credential_hash is not None
    return LinkSecurity.AUTHENTICATED if has_key else LinkSecurity.UNAUTHENTICATED


async def gather(
    connection: AsyncConnection, row: Transaction, site: Site, catalogue: Catalogue
) -> Gathered:
    """Read all that is known of an ended transaction."""
    values = await _values(connection, row.id)
    times = times_of(row)
    told = ToldSession(
        times=times,
        meter_start_mwh=_mwh(row.meter_start),
        meter_stop_mwh=_mwh(row.meter_stop),
        readings=_registers(values, by_arrival=not times.sound),
        rating=await _rating(connection, row, site, catalogue),
        before_mwh=await _register_before(connection, row),
        # For others it depends on the order of messages whether the next one has begun.
        after_mwh=await _register_after(connection, row) if row.superseded else None,
        suspended=await read_suspensions(connection, row, ended=times.ended),
        superseded=row.superseded,
        contested=row.contested,
    )
    return Gathered(told=told, signed=_signed(values))


async def _values(connection: AsyncConnection, transaction_id: int) -> Sequence[_Value]:
    value = MeterValue.__table__.c
    return await Rows(connection).all(
        select(value.at, value.received_at, value.samples, value.inferred)
        .where(col(MeterValue.transaction_id) == transaction_id)
        .order_by(col(MeterValue.id))
    )


def _registers(values: Sequence[_Value], *, by_arrival: bool) -> tuple[Reading, ...]:
    """Return the readings of the register.

    Some firmware counts from zero in a session, and sends its lifetime register beside that without
    a transaction: where some readings name the transaction, the others are left out.
    """
    found = [
        (value, energy_wh)
        for value in values
        if (energy_wh := read_samples(value.at, value.samples).energy_wh) is not None
    ]
    if not all(value.inferred for value, _ in found):
        found = [(value, energy_wh) for value, energy_wh in found if not value.inferred]
    return tuple(
        Reading(at=value.received_at if by_arrival else value.at, mwh=round(energy_wh * _MWH))
        for value, energy_wh in found
    )


def _signed(values: Sequence[_Value]) -> tuple[SignedReading, ...]:
    """Return the readings at start and stop that the meter has signed."""
    found: dict[SignedReading, None] = {}
    for value in values:
        for context, data in signed_data(value.samples):
            nature = _NATURES.get(context)
            if nature is not None:
                found[SignedReading(nature=nature, at=value.at, signed_data=data)] = None
    return tuple(sorted(found, key=lambda reading: (reading.at, reading.nature)))


async def _rating(
    connection: AsyncConnection, row: Transaction, site: Site, catalogue: Catalogue
) -> Rating:
    known = catalogue.resolve(site.charge_point.vendor, site.charge_point.model)
    declared = _watts(site)
    if declared is not None or known.connector_kw is not None:
        shown = None
    else:
        shown = await _shown_w(connection, row)
    return rate(
        declared_w=declared,
        catalogue_w=None if known.connector_kw is None else round(known.connector_kw * 1000),
        shown_w=shown,
        current=known.current,
    )


def _watts(site: Site) -> int | None:
    """Return the power that the cable of a charge point carries."""
    cable, of_site = site.charge_point, site.project.phases
    if cable.max_amps is None:
        return None
    phases = len(cable.phases.split(",")) if cable.phases else of_site
    return int(cable.max_amps * min(phases, of_site) * (cable.voltage or NOMINAL_VOLTAGE))


async def _shown_w(connection: AsyncConnection, row: Transaction) -> int | None:
    """Return the most power that its registers have shown, until the end of this session.

    Each session is looked at by itself: two need not have one register.
    """
    until = await connection.scalars(
        select(col(Transaction.id))
        .where(col(Transaction.charge_point_id) == row.charge_point_id)
        .where(col(Transaction.received_at) <= row.received_at, ~col(Transaction.contested))
        .order_by(col(Transaction.received_at).desc(), col(Transaction.id).desc())
        .limit(_SESSIONS_LOOKED_AT)
    )
    rows = await connection.execute(
        select(col(MeterValue.transaction_id), col(MeterValue.at), col(MeterValue.samples))
        .where(among(connection, col(MeterValue.transaction_id), list(until)))
        .order_by(col(MeterValue.transaction_id).desc(), col(MeterValue.at).desc())
        .limit(_VALUES_LOOKED_AT)
    )
    sessions: dict[int, list[tuple[datetime, int]]] = {}
    for value in rows:
        energy_wh = read_samples(value.at, value.samples).energy_wh
        if energy_wh is not None:
            points = sessions.setdefault(value.transaction_id, [])
            points.append((value.at, round(energy_wh * _MWH)))
    shown = (most_over_five_minutes(rising(sorted(points))) for points in sessions.values())
    return max((watts for watts in shown if watts is not None), default=None)


async def _register_before(connection: AsyncConnection, row: Transaction) -> int | None:
    """Return what the register showed at the end of the session before on this connector.

    None where another charge point may have told that, as several links spoke.
    """
    before = await Rows(connection).find(
        select(Transaction.__table__)
        .where(col(Transaction.charge_point_id) == row.charge_point_id)
        .where(col(Transaction.evse_id) == row.evse_id, col(Transaction.id) < row.id)
        .order_by(col(Transaction.id).desc())
        .limit(1)
    )
    if before is None or before.contested or not before.meter_stop:
        return None
    if before.meter_stop < (before.meter_start or 0):
        return None
    return _mwh(before.meter_stop)


async def _register_after(connection: AsyncConnection, row: Transaction) -> int | None:
    """Return what it showed when the next session began; a register per session shows zero."""
    query = (
        select(col(Transaction.meter_start), col(Transaction.contested))
        .where(col(Transaction.charge_point_id) == row.charge_point_id)
        .where(col(Transaction.evse_id) == row.evse_id, col(Transaction.id) > row.id)
        .order_by(col(Transaction.id))
        .limit(1)
    )
    after = await Rows(connection).find(query)
    return _mwh(after.meter_start) if after and after.meter_start and not after.contested else None


def _mwh(wh: int | None) -> int | None:
    return None if wh is None else wh * _MWH


def _ahead(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
