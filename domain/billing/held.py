"""Records that are held: sessions whose price cannot be known, until the owner decides.

Nothing releases one but its owner, or the charge point's own word that comes later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.billing import cdr
from domain.billing.bound import RatingSource
from domain.billing.currencies import minor_unit
from domain.errors import FieldError, InvalidError

_MWH_PER_KWH: Final = 1_000_000
_CENTIMINUTE: Final = timedelta(seconds=0.6)
_READINGS_SHOWN: Final = 200


class HoldCause(StrEnum):
    """Why no price can be right by what was told."""

    NO_READINGS = "no_readings"
    ABOVE_BOUND = "above_bound"
    READINGS_DISAGREE = "readings_disagree"
    END_UNKNOWN = "end_unknown"
    CLOCK_WRONG = "clock_wrong"
    CONTESTED = "contested"


class HoldState(StrEnum):
    """Life of a held record. SETTLED: the charge point's own word came after all."""

    HELD = "held"
    RELEASED = "released"
    DROPPED = "dropped"
    SETTLED = "settled"


class Wanted(StrEnum):
    """What the owner has to say."""

    ENERGY = "energy"
    TIME = "time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """What stands in the way of a price, and what may be the case. Energies in mWh.

    ``least_mwh`` and ``least`` are what the readings, and the messages, show for certain; None:
    they show nothing.
    """

    cause: HoldCause
    reason: str
    wanted: tuple[Wanted, ...]
    most_mwh: int
    longest: timedelta
    rating_w: int
    rating_source: RatingSource
    least_mwh: int | None = None
    least: timedelta | None = None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class HeldReading(_Part):
    """What the register showed at a moment of the session."""

    at: AwareDatetime
    energy_kwh: Decimal


class Bound(_Part):
    """What physics allows the session to have been."""

    energy_kwh: Decimal = Field(description="No more than this can have been charged")
    minutes: Decimal = Field(description="No longer than this can it have lasted")
    power_kw: Decimal = Field(description="By so much power")
    power_source: RatingSource = Field(description="From what the power is known")


class Suggestion(_Part):
    """What the readings show for certain; null where they show nothing."""

    energy_kwh: Decimal | None = None
    minutes: Decimal | None = None


class HeldDocument(_Part):
    """What a held record says."""

    session_id: str = Field(description="The transaction's id")
    cdr_token: cdr.CdrToken
    cdr_location: cdr.CdrLocation
    start_date_time: AwareDatetime = Field(description="As the charge point stamped it")
    end_date_time: AwareDatetime = Field(description="As the charge point stamped it")
    start_received_at: AwareDatetime
    end_received_at: AwareDatetime
    currency: str
    cause: HoldCause
    reason: str
    wanted: tuple[Wanted, ...] = Field(description="What the owner has to say to release it")
    bound: Bound
    suggestion: Suggestion
    meter_start_kwh: Decimal | None
    meter_stop_kwh: Decimal | None
    readings: tuple[HeldReading, ...] = Field(description="The first and the last, of very many")
    superseded: bool = Field(default=False, description="The engine ended it: no stop was told")
    link: cdr.LinkSecurity | None = None
    signed_readings: tuple[cdr.SignedReading, ...] = ()


def as_cdr(held_id: str, document: HeldDocument, *, held_at: datetime) -> cdr.Cdr:
    """Show it among the charge detail records, as one that bills nothing."""
    nothing = 0 * minor_unit(document.currency)
    price = cdr.Price(excl_vat=nothing, incl_vat=nothing)
    return cdr.Cdr(
        id=held_id,
        state=cdr.CdrState.HELD,
        start_date_time=document.start_date_time,
        end_date_time=document.end_date_time,
        session_id=document.session_id,
        cdr_token=document.cdr_token,
        cdr_location=document.cdr_location,
        currency=document.currency,
        tariffs=(),
        charging_periods=(),
        lines=(),
        total_cost=price,
        total_fixed_cost=price,
        total_energy=Decimal(0),
        total_energy_cost=price,
        total_time=Decimal(0),
        total_time_cost=price,
        total_parking_time=Decimal(0),
        total_parking_cost=price,
        remark=f"Held: {document.reason}"[: cdr.REMARK],
        link=document.link,
        signed_readings=document.signed_readings,
        last_updated=held_at,
    )


class Decision(_Part):
    """What the owner says that the session was."""

    energy_kwh: Decimal | None = None
    minutes: Decimal | None = None
    note: str | None = None


def bound_of(hold: Hold) -> Bound:
    """Write down what physics allows; what is shown is never above it."""
    return Bound(
        energy_kwh=kwh(hold.most_mwh),
        minutes=in_minutes(hold.longest),
        power_kw=Decimal(hold.rating_w) / 1000,
        power_source=hold.rating_source,
    )


def suggestion_of(hold: Hold) -> Suggestion:
    """Write down what is certain, of what is wanted."""
    energy = hold.least_mwh if Wanted.ENERGY in hold.wanted else None
    least = hold.least if Wanted.TIME in hold.wanted else None
    return Suggestion(
        energy_kwh=None if energy is None else kwh(energy),
        minutes=None if least is None else in_minutes(least),
    )


def ends_of(readings: Sequence[HeldReading]) -> tuple[HeldReading, ...]:
    """Return the readings; of very many the first and the last."""
    if len(readings) <= _READINGS_SHOWN:
        return tuple(readings)
    half = _READINGS_SHOWN // 2
    return (*readings[:half], *readings[-half:])


def kwh(mwh: int) -> Decimal:
    """Energy as the API shows it, to the mWh."""
    return Decimal(mwh) / _MWH_PER_KWH


def in_minutes(length: timedelta) -> Decimal:
    """A time in minutes, with two digits, cut."""
    return Decimal(length // _CENTIMINUTE) / 100


def suggested(document: HeldDocument, *, note: str | None = None) -> Decision | None:
    """Return what the readings suggest that the owner says; None where they suggest too little."""
    energy, minutes = document.suggestion.energy_kwh, document.suggestion.minutes
    if Wanted.ENERGY in document.wanted and energy is None:
        return None
    if Wanted.TIME in document.wanted and minutes is None:
        return None
    return Decision(energy_kwh=energy, minutes=minutes, note=note)


def check_decision(document: HeldDocument, decision: Decision) -> None:
    """Refuse a decision that says too little, too much, or more than physics allows.

    Raises:
        InvalidError: ``not_within_bound``.

    """
    errors = [
        *_wrong(
            "energy_kwh",
            decision.energy_kwh,
            wanted=Wanted.ENERGY in document.wanted,
            most=document.bound.energy_kwh,
            unit="kWh",
        ),
        *_wrong(
            "minutes",
            decision.minutes,
            wanted=Wanted.TIME in document.wanted,
            most=document.bound.minutes,
            unit="minutes",
        ),
    ]
    if errors:
        detail = " ".join(f"{error.field} {error.detail}." for error in errors)
        raise InvalidError("not_within_bound", detail, tuple(errors))


def _wrong(
    name: str, value: Decimal | None, *, wanted: bool, most: Decimal, unit: str
) -> Sequence[FieldError]:
    if value is None and wanted:
        return [FieldError(field=name, detail=f"is needed: say it, from 0 to {most:f} {unit}")]
    if value is not None and not wanted:
        return [FieldError(field=name, detail="is not in doubt here: leave it out")]
    if value is not None and not 0 <= value <= most:
        detail = f"must be from 0 to {most:f} {unit}: physics allows no more"
        return [FieldError(field=name, detail=detail)]
    return []
