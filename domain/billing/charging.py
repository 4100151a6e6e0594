"""What a session costs.

How amounts are rounded: energy is counted in whole mWh and time in whole microseconds, and what
they cost is exact until the end. ``step_size`` counts once for energy, and once for time: that of
parking where parking costs something, else that of charging, by the last price of it (OCPI 2.2.1
§11.4.2). Then each line, which is a dimension at a VAT rate, is rounded
once, without VAT and with it: half up, at the currency's minor unit. Totals are sums of lines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final
from zoneinfo import ZoneInfo

from domain.billing.clocks import has_sound_clock
from domain.billing.currencies import minor_unit
from domain.billing.periods import Period, cut
from domain.billing.register import Register, Session
from domain.billing.tariff import Dimension, PriceComponent, TariffVersion

_DIGITS: Final = 60  # of what is exact; far more than any session has
_MWH_PER_KWH: Final = 1_000_000
_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_MICROSECONDS_PER_SECOND: Final = 1_000_000
_UNITS: Final = {
    Dimension.ENERGY: _MWH_PER_KWH,
    Dimension.TIME: _MICROSECONDS_PER_HOUR,
    Dimension.PARKING_TIME: _MICROSECONDS_PER_HOUR,
    Dimension.FLAT: 1,
}
_STEPS: Final = {
    Dimension.ENERGY: 1000,
    Dimension.TIME: _MICROSECONDS_PER_SECOND,
    Dimension.PARKING_TIME: _MICROSECONDS_PER_SECOND,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An amount without VAT and with it (Price of OCPI 2.2.1 §16.5)."""

    excl_vat: Decimal
    incl_vat: Decimal

    def __add__(self, other: "Money") -> "Money":
        return Money(
            excl_vat=self.excl_vat + other.excl_vat, incl_vat=self.incl_vat + other.incl_vat
        )

    def __neg__(self) -> "Money":
        return Money(excl_vat=-self.excl_vat, incl_vat=-self.incl_vat)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What one dimension costs at one VAT rate; ``volume`` is in kWh, hours, or 1 for FLAT."""

    dimension: Dimension
    vat: Decimal | None
    volume: Decimal
    cost: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """The arithmetic of a charge detail record."""

    started_at: datetime
    stopped_at: datetime
    total_mwh: int
    periods: tuple[Period, ...]
    lines: tuple[Line, ...]
    unit: Decimal
    """The currency's minor unit, in which all amounts are written."""
    remarks: tuple[str, ...] = ()
    """What was odd about the session, in words for the owner."""

    def cost(self, *dimensions: Dimension) -> Money:
        """Sum of the lines of these dimensions; of all, where none is named."""
        nothing = Money(excl_vat=0 * self.unit, incl_vat=0 * self.unit)
        return sum(
            (line.cost for line in self.lines if not dimensions or line.dimension in dimensions),
            start=nothing,
        )


@dataclass(slots=True)
class _Item:
    """An amount of energy (mWh), time (µs) or fees (1) at one price."""

    component: PriceComponent
    volume: int


def total(amounts: Iterable[Money]) -> Money:
    """Add amounts up."""
    return sum(amounts, start=Money(excl_vat=Decimal(0), incl_vat=Decimal(0)))


def price_session(
    session: Session, versions: Sequence[TariffVersion], *, zone: ZoneInfo, currency: str
) -> Charge:
    """Compute what a session costs. Where no tariff holds, it is free.

    A session whose clock cannot be believed, that ends before it starts, or lasts longer than 31
    days, has no time that could be billed: its energy and its fee are, at the prices of its stop.
    """
    remarks = [*session.remarks]
    if not (session.timed and has_sound_clock(session.started_at, session.stopped_at)):
        session = replace(session, started_at=session.stopped_at)
    register = Register(session)
    if register.restarted:
        remarks.append(
            "The meter started anew during the session; what it counted before and after is added."
        )
    ordered = sorted(versions, key=lambda version: (version.valid_from, version.id))
    periods = cut(register, session, ordered, zone)
    unit = minor_unit(currency)
    with localcontext(prec=_DIGITS):
        lines = tuple(_lines(_items(periods), unit))
    return Charge(
        started_at=session.started_at,
        stopped_at=session.stopped_at,
        total_mwh=register.total_mwh,
        periods=tuple(periods),
        lines=lines,
        unit=unit,
        remarks=tuple(remarks),
    )


def _items(periods: Sequence[Period]) -> list[_Item]:
    energy = _of(Dimension.ENERGY, ((period, period.mwh) for period in periods))
    charging = _of(
        Dimension.TIME,
        (
            (period, period.microseconds)
            for period in periods
            if period.time_dimension is Dimension.TIME
        ),
    )
    parking = _of(
        Dimension.PARKING_TIME,
        ((period, period.microseconds) for period in periods if period.idle),
    )
    _step(energy)
    _step(parking or charging)  # charging that another time follows is not rounded up
    fees = [period.prices[Dimension.FLAT] for period in periods if Dimension.FLAT in period.prices]
    return [*(_Item(fee, 1) for fee in fees[:1]), *energy, *charging, *parking]


def _of(dimension: Dimension, volumes: Iterable[tuple[Period, int]]) -> list[_Item]:
    return [
        _Item(period.prices[dimension], volume)
        for period, volume in volumes
        if volume and dimension in period.prices
    ]


def _step(items: list[_Item]) -> None:
    """Round the volume up to the last price's step."""
    if not items:
        return
    last = items[-1]
    step = last.component.step_size * _STEPS[last.component.type]
    last.volume += -sum(item.volume for item in items) % step


def _lines(items: Sequence[_Item], unit: Decimal) -> Iterable[Line]:
    groups: dict[tuple[Dimension, Decimal | None], list[_Item]] = {}
    for item in items:
        groups.setdefault((item.component.type, item.component.vat), []).append(item)
    for (dimension, vat), members in groups.items():
        scale = _UNITS[dimension]
        exact = sum((item.component.price * item.volume for item in members), Decimal(0)) / scale
        with_vat = exact * (100 + (vat or 0)) / 100
        yield Line(
            dimension=dimension,
            vat=vat,
            volume=Decimal(sum(item.volume for item in members)) / scale,
            cost=Money(
                excl_vat=exact.quantize(unit, ROUND_HALF_UP),
                incl_vat=with_vat.quantize(unit, ROUND_HALF_UP),
            ),
        )
