"""Charge detail records, with the names of OCPI 2.2.1 (§10.3 CDR object).

A record is never changed. What was wrong is made good by a credit record, which refers to the wrong
one and has its amounts negated, and by a new record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.billing.charging import Charge, Money
from domain.billing.periods import Period
from domain.billing.tariff import Dimension, TariffElement, TariffVersion

_MWH_PER_KWH = 1_000_000
_MICROSECONDS_PER_HOUR = 3_600_000_000
_HOURS = Decimal("0.0001")  # as exact as OCPI writes numbers
REMARK = 255
"""The most letters of a remark (OCPI 2.2.1 §10.3.1)."""
_SAYS_NO_PRICE = {"id", "last_updated", "cdr_location", "link", "signed_readings"}
CREDIT_SUFFIX = "-C"
"""Stands behind the id of the record that a credit takes back."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Price(_Part):
    """An amount of money, in the record's currency."""

    excl_vat: Decimal
    incl_vat: Decimal

    @classmethod
    def of(cls, money: Money) -> "Price":
        """Write an amount down."""
        return cls(excl_vat=money.excl_vat, incl_vat=money.incl_vat)

    @property
    def money(self) -> Money:
        """To be reckoned with."""
        return Money(excl_vat=self.excl_vat, incl_vat=self.incl_vat)


class CdrState(StrEnum):
    """Whether a record was issued. One that is HELD bills nothing, and is no record yet."""

    ISSUED = "issued"
    HELD = "held"


class LinkSecurity(StrEnum):
    """Whether the charge point that told of the session proved who it is, by a key of its own."""

    AUTHENTICATED = "authenticated"
    UNAUTHENTICATED = "unauthenticated"


class SignedNature(StrEnum):
    """SignedValue of OCPI 2.2.1 §10.4: what a signed reading is of."""

    START = "Start"
    END = "End"


class SignedReading(_Part):
    """A reading that the meter has signed, as it was sent."""

    nature: SignedNature
    at: AwareDatetime
    signed_data: str = Field(description="As the charge point sent it, such as OCMF")


class CdrToken(_Part):
    """Who charged: the id tag, as the charge point sent it."""

    uid: str


class CdrLocation(_Part):
    """Where: the project and its charge point, as they were named then."""

    id: str = Field(description="Of the project")
    name: str
    address: str
    charge_point_id: str
    charge_point: str = Field(description="Its serial number")
    connector_id: int
    time_zone: str = Field(description="By whose clock prices were chosen")


class CdrDimension(_Part):
    """A volume: kWh of ENERGY, hours of TIME (charging) or PARKING_TIME (idle).

    Time in which the site kept power back is neither.
    """

    type: Dimension
    volume: Decimal


class ChargingPeriod(_Part):
    """A part of the session in which the same prices held. The next one, or the end, ends it."""

    start_date_time: AwareDatetime
    dimensions: tuple[CdrDimension, ...]
    tariff_id: str | None = Field(description="Null: no tariff held, so it was free")


class CdrTariff(_Part):
    """A tariff that was used."""

    id: str
    valid_from: AwareDatetime
    currency: str
    elements: list[TariffElement]


class CdrLine(_Part):
    """What one dimension costs at one VAT rate, rounded; the totals are sums of lines."""

    type: Dimension
    vat: Decimal | None
    volume: Decimal = Field(description="As billed: kWh, hours, or 1 for FLAT")
    cost: Price


class Cdr(_Part):
    """A charge detail record."""

    id: str = Field(description="Of a held one it is that of the held record")
    state: CdrState = Field(
        default=CdrState.ISSUED,
        description="`held`: it waits for you, and bills nothing; see held records",
    )
    start_date_time: AwareDatetime
    end_date_time: AwareDatetime
    session_id: str = Field(description="The transaction's id")
    cdr_token: CdrToken
    cdr_location: CdrLocation
    currency: str
    tariffs: tuple[CdrTariff, ...]
    charging_periods: tuple[ChargingPeriod, ...]
    lines: tuple[CdrLine, ...]
    total_cost: Price
    total_fixed_cost: Price
    total_energy: Decimal = Field(description="kWh")
    total_energy_cost: Price
    total_time: Decimal = Field(description="Hours, idle and suspended ones included")
    total_time_cost: Price
    total_parking_time: Decimal = Field(description="Hours idle")
    total_parking_cost: Price
    remark: str | None = Field(default=None, description="What was odd about the session")
    link: LinkSecurity | None = Field(
        default=None, description="Whether who told of the session proved who it is"
    )
    signed_readings: tuple[SignedReading, ...] = Field(
        default=(), description="Those of start and stop that the meter has signed"
    )
    credit: bool = Field(default=False, description="Whether it takes another record back")
    credit_reference_id: str | None = Field(default=None, description="The record taken back")
    last_updated: AwareDatetime = Field(description="When it was issued; it never changes")

    def agrees_with(self, other: "Cdr") -> bool:
        """Whether both bill the same, whenever they were made."""
        nameless: dict[str, Any] = {"exclude": _SAYS_NO_PRICE}
        return self.model_dump(**nameless) == other.model_dump(**nameless)

    def taken_back(self, *, at: datetime) -> "Cdr":
        """Make the credit record of this one: its amounts negated, its volumes as they were."""
        costs = {
            name: Price.of(-value.money)
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Price)
        }
        lines = tuple(
            line.model_copy(update={"cost": Price.of(-line.cost.money)}) for line in self.lines
        )
        return self.model_copy(
            update=costs
            | {
                "id": f"{self.id}{CREDIT_SUFFIX}",
                "lines": lines,
                "credit": True,
                "credit_reference_id": self.id,
                "last_updated": at,
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Whose session it was, and where."""

    session_id: str
    id_tag: str
    location: CdrLocation
    link: LinkSecurity | None = None
    signed_readings: tuple[SignedReading, ...] = ()


def make_cdr(
    cdr_id: str,
    subject: Subject,
    charged: Charge,
    versions: Sequence[TariffVersion],
    *,
    currency: str,
    at: datetime,
) -> Cdr:
    """Write down what a session costs."""
    used = {period.tariff_id for period in charged.periods}
    idle = sum(period.microseconds for period in charged.periods if period.idle)
    whole = sum(period.microseconds for period in charged.periods)
    return Cdr(
        id=cdr_id,
        start_date_time=charged.started_at,
        end_date_time=charged.stopped_at,
        session_id=subject.session_id,
        cdr_token=CdrToken(uid=subject.id_tag),
        cdr_location=subject.location,
        currency=currency,
        tariffs=tuple(
            CdrTariff(
                id=version.id,
                valid_from=version.valid_from,
                currency=version.tariff.currency,
                elements=version.tariff.elements,
            )
            for version in versions
            if version.id in used
        ),
        charging_periods=tuple(_period(period) for period in charged.periods),
        lines=tuple(
            CdrLine(
                type=line.dimension,
                vat=line.vat,
                volume=line.volume.quantize(_HOURS) if _is_time(line.dimension) else line.volume,
                cost=Price.of(line.cost),
            )
            for line in charged.lines
        ),
        total_cost=Price.of(charged.cost()),
        total_fixed_cost=Price.of(charged.cost(Dimension.FLAT)),
        total_energy=_kwh(charged.total_mwh),
        total_energy_cost=Price.of(charged.cost(Dimension.ENERGY)),
        total_time=_hours(whole),
        total_time_cost=Price.of(charged.cost(Dimension.TIME)),
        total_parking_time=_hours(idle),
        total_parking_cost=Price.of(charged.cost(Dimension.PARKING_TIME)),
        remark=" ".join(charged.remarks)[:REMARK] or None,
        link=subject.link,
        signed_readings=subject.signed_readings,
        last_updated=at,
    )


def _period(period: Period) -> ChargingPeriod:
    return ChargingPeriod(
        start_date_time=period.start,
        dimensions=tuple(
            CdrDimension(type=dimension, volume=volume)
            for dimension, volume in (
                (Dimension.ENERGY, _kwh(period.mwh)),
                (period.time_dimension, _hours(period.microseconds)),
            )
            if dimension is not None
        ),
        tariff_id=period.tariff_id,
    )


def _is_time(dimension: Dimension) -> bool:
    return dimension in {Dimension.TIME, Dimension.PARKING_TIME}


def _kwh(mwh: int) -> Decimal:
    return Decimal(mwh) / _MWH_PER_KWH


def _hours(microseconds: int) -> Decimal:
    return (Decimal(microseconds) / _MICROSECONDS_PER_HOUR).quantize(_HOURS)
