"""A session cut into periods, in each of which the same prices hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.billing.calendar import wall_clock_moments
from domain.billing.register import MICROSECOND, Register, Session
from domain.billing.tariff import Dimension, PriceComponent, TariffRestrictions, TariffVersion

_MWH = 1000  # in a Wh


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A part of a session. ``prices`` has what applies; a dimension without a price is free.

    ``idle`` is when the vehicle no longer charged; then time is PARKING_TIME, before it is TIME.
    ``suspended`` is when the site kept power back; then time is neither.
    """

    start: datetime
    end: datetime
    mwh: int
    idle: bool
    suspended: bool
    tariff_id: str | None
    prices: Mapping[Dimension, PriceComponent]

    @property
    def microseconds(self) -> int:
        """Its length."""
        return (self.end - self.start) // MICROSECOND

    @property
    def time_dimension(self) -> Dimension | None:
        """What its time is billed as."""
        if self.suspended:
            return None
        return Dimension.PARKING_TIME if self.idle else Dimension.TIME


def cut(
    register: Register,
    session: Session,
    versions: Sequence[TariffVersion],
    zone: ZoneInfo,
) -> list[Period]:
    """Cut a session where a price may change, and join what turned out to be the same.

    ``versions`` come in the order in which they hold.
    """
    start, stop = session.started_at, session.stopped_at
    idle_since = register.idle_since()
    turns = {idle_since}
    for span in session.suspended:
        turns |= {span.start, span.end}
    moments = {start, stop, *(at for at in turns if start < at < stop)}
    holding = _holding(versions, start, stop)
    for version in holding:
        if start < version.valid_from < stop:
            moments.add(version.valid_from)
        moments |= _moments_of(version, register, start, stop, zone)
    ordered = sorted(moments)
    edges = list(pairwise(ordered)) if len(ordered) > 1 else [(start, stop)]

    def periods() -> Iterator[Period]:
        for begin, end in edges:
            version = _valid_at(holding, begin)
            suspended = any(span.start <= begin < span.end for span in session.suspended)
            charged = 0 if begin == start else register.charged_at(begin)
            until = register.total_mwh if end == stop else register.charged_at(end)
            yield Period(
                start=begin,
                end=end,
                mwh=until - charged,
                idle=begin >= idle_since and not suspended,
                suspended=suspended,
                tariff_id=None if version is None else version.id,
                prices=_prices(version, begin.astimezone(zone), charged, begin - start),
            )

    return _joined(periods())


def _holding(
    versions: Sequence[TariffVersion], start: datetime, stop: datetime
) -> list[TariffVersion]:
    before = [version for version in versions if version.valid_from <= start][-1:]
    return before + [version for version in versions if start < version.valid_from < stop]


def _valid_at(versions: Sequence[TariffVersion], moment: datetime) -> TariffVersion | None:
    valid = [version for version in versions if version.valid_from <= moment]
    return valid[-1] if valid else None


def _restrictions(version: TariffVersion) -> Iterator[TariffRestrictions]:
    for element in version.tariff.elements:
        if element.restrictions is not None:
            yield element.restrictions


def _moments_of(
    version: TariffVersion, register: Register, start: datetime, stop: datetime, zone: ZoneInfo
) -> set[datetime]:
    """Moments at which a restriction of this version may begin or cease to hold."""
    found = wall_clock_moments(
        start, stop, {clock for part in _restrictions(version) for clock in part.times()}, zone
    )
    for part in _restrictions(version):
        for kwh in (part.min_kwh, part.max_kwh):
            if kwh is not None and (reached := register.reached(int(kwh * 1000 * _MWH))):
                found.add(reached)
        for seconds in (part.min_duration, part.max_duration):
            if seconds is not None:
                found.add(start + seconds * 1_000_000 * MICROSECOND)
    return {moment for moment in found if start < moment < stop}


def _prices(
    version: TariffVersion | None, local: datetime, charged_mwh: int, passed: timedelta
) -> Mapping[Dimension, PriceComponent]:
    if version is None:
        return {}
    charged_wh = Decimal(charged_mwh) / _MWH
    seconds = Decimal(passed // MICROSECOND) / 1_000_000
    found: dict[Dimension, PriceComponent] = {}
    for element in version.tariff.elements:
        restrictions = element.restrictions
        if restrictions is None or restrictions.hold_at(
            local, charged_wh=charged_wh, seconds=seconds
        ):
            for component in element.price_components:
                found.setdefault(component.type, component)
    return found


def _joined(periods: Iterator[Period]) -> list[Period]:
    joined: list[Period] = []
    for period in periods:
        last = joined[-1] if joined else None
        if last is not None and (
            (last.tariff_id, last.time_dimension, last.prices)
            == (period.tariff_id, period.time_dimension, period.prices)
        ):
            joined[-1] = replace(last, end=period.end, mwh=last.mwh + period.mwh)
        else:
            joined.append(period)
    return joined
