"""What a charge point told of a session, gathered from its rows for the judgement of its price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

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
from storage.dialects import among
from storage.models.transactions import MeterValue
from storage.models.transactions import Transaction as TransactionRow
from storage.suspensions import read_suspensions

_MWH: Final = 1000  # in a Wh
_SESSIONS_LOOKED_AT: Final = 100
_VALUES_LOOKED_AT: Final = 2000
"""Of this session and those before, to see how much power the charge point has shown."""
_NATURES: Final[Mapping[str, SignedNature]] = {
    ReadingContext.BEGIN: SignedNature.START,
    ReadingContext.END: SignedNature.END,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """A session as it was told, and what its meter has signed of it."""

    told: ToldSession
    signed: tuple[SignedReading, ...]


def times_of(row: Row[Any]) -> Times:
    """Return when a transaction began and ended, by its row."""
    return Times(
        started_at=row.started_at,
        received_at=row.received_at,
        stopped_at=row.stopped_at,
        stop_received_at=row.stop_received_at,
        start_ahead=_ahead(row.start_ahead_s),
        stop_ahead=_ahead(row.stop_ahead_s),
    )


def link_of(site: Row[Any]) -> LinkSecurity:
    """Return whether the charge point proves who it is: it has to once it has a key."""
    has_key = site.credential_hash is not None
    return LinkSecurity.AUTHENTICATED if has_key else LinkSecurity.UNAUTHENTICATED


async def gather(
    connection: AsyncConnection, row: Row[Any], site: Row[Any], catalogue: Catalogue
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


async def _values(
    connection: AsyncConnection, transaction_id: int
) -> Sequence[Row[Any, Any, Any, Any]]:
    rows = await connection.execute(
        select(
            col(MeterValue.at),
            col(MeterValue.received_at),
            col(MeterValue.samples),
            col(MeterValue.inferred),
        )
        .where(col(MeterValue.transaction_id) == transaction_id)
        .order_by(col(MeterValue.id))
    )
    return rows.all()


def _registers(
    values: Sequence[Row[Any, Any, Any, Any]], *, by_arrival: bool
) -> tuple[Reading, ...]:
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
        Reading(
            at=value.received_at if by_arrival else value.at,
            mwh=round(energy_wh * _MWH),
        )
        for value, energy_wh in found
    )


def _signed(values: Sequence[Row[Any, Any, Any, Any]]) -> tuple[SignedReading, ...]:
    """Return the readings at start and stop that the meter has signed."""
    found: dict[SignedReading, None] = {}
    for value in values:
        for context, data in signed_data(value.samples):
            nature = _NATURES.get(context)
            if nature is not None:
                found[SignedReading(nature=nature, at=value.at, signed_data=data)] = None
    return tuple(sorted(found, key=lambda reading: (reading.at, reading.nature)))


async def _rating(
    connection: AsyncConnection, row: Row[Any], site: Row[Any], catalogue: Catalogue
) -> Rating:
    known = catalogue.resolve(site.vendor, site.model)
    declared = None if site.cable_amps is None else _watts(site)
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


def _watts(site: Row[Any]) -> int:
    """Return the power that the cable of a charge point carries."""
    phases = len(site.cable_phases.split(",")) if site.cable_phases else site.phases
    volts = site.cable_voltage or NOMINAL_VOLTAGE
    return int(site.cable_amps * min(phases, site.phases) * volts)


async def _shown_w(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return the most power that its registers have shown, until the end of this session.

    Each session is looked at by itself: two need not have one register.
    """
    until = await connection.scalars(
        select(col(TransactionRow.id))
        .where(col(TransactionRow.charge_point_id) == row.charge_point_id)
        .where(col(TransactionRow.received_at) <= row.received_at)
        .where(~col(TransactionRow.contested))
        .order_by(col(TransactionRow.received_at).desc(), col(TransactionRow.id).desc())
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


async def _register_before(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return what the register showed at the end of the session before on this connector.

    None where another charge point may have told that, as several links spoke.
    """
    before = (
        await connection.execute(
            select(
                col(TransactionRow.meter_start),
                col(TransactionRow.meter_stop),
                col(TransactionRow.contested),
            )
            .where(col(TransactionRow.charge_point_id) == row.charge_point_id)
            .where(col(TransactionRow.evse_id) == row.evse_id)
            .where(col(TransactionRow.id) < row.id)
            .order_by(col(TransactionRow.id).desc())
            .limit(1)
        )
    ).one_or_none()
    if before is None or before.contested or not before.meter_stop:
        return None
    if before.meter_stop < (before.meter_start or 0):
        return None
    return _mwh(before.meter_stop)


async def _register_after(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return what it showed when the next session began; a register per session shows zero."""
    query = (
        select(col(TransactionRow.meter_start), col(TransactionRow.contested))
        .where(col(TransactionRow.charge_point_id) == row.charge_point_id)
        .where(col(TransactionRow.evse_id) == row.evse_id)
        .where(col(TransactionRow.id) > row.id)
        .order_by(col(TransactionRow.id))
        .limit(1)
    )
    after = (await connection.execute(query)).one_or_none()
    return _mwh(after.meter_start) if after and after.meter_start and not after.contested else None


def _mwh(wh: int | None) -> int | None:
    return None if wh is None else wh * _MWH


def _ahead(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
