"""What holds for every session and every tariff."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.charging import Charge, price_session
from domain.billing.register import Reading, Session, Span
from domain.billing.tariff import Dimension, TariffVersion
from tests.domain.billing.sessions import LONDON, component, element, version

SECOND = timedelta(seconds=1)
ZONES = [
    ZoneInfo(name)
    for name in ("Europe/London", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe")
]
# Around both changes of the clock, a year's end, and any day.
STARTS = ("2026-03-28T20:00", "2026-10-24T20:00", "2026-12-31T21:00", "2026-05-04T09:00")


@dataclass(frozen=True)
class Drawn:
    """A session whose power is constant between its points, in whole mW seconds."""

    session: Session
    rates: tuple[tuple[int, int], ...]
    """Seconds, and mWh a second."""


@st.composite
def drawn_sessions(draw: st.DrawFn) -> Drawn:
    start = datetime.fromisoformat(draw(st.sampled_from(STARTS))).replace(tzinfo=UTC)
    start += draw(st.integers(0, 6 * 3600)) * SECOND
    rates = tuple(
        draw(
            st.lists(
                st.tuples(st.integers(1, 10_000), st.sampled_from([0, 0, 5, 400, 3056, 6111])),
                min_size=1,
                max_size=8,
            )
        )
    )
    at, mwh = start, draw(st.integers(0, 10**12))
    meter_start = mwh
    points = []
    for seconds, rate in rates:
        at, mwh = at + seconds * SECOND, mwh + seconds * rate
        points.append(Reading(at=at, mwh=mwh))
    return Drawn(
        Session(
            started_at=start,
            stopped_at=at,
            meter_start_mwh=meter_start,
            meter_stop_mwh=mwh,
            readings=tuple(points[:-1]),
        ),
        rates,
    )


@st.composite
def wild_sessions(draw: st.DrawFn) -> Session:
    """Whatever a charge point may send."""
    moments = st.integers(-100_000, 100_000).map(
        lambda seconds: datetime(2026, 10, 25, tzinfo=UTC) + seconds * SECOND
    )
    registers = st.integers(0, 10**8)
    spans = st.builds(Span, start=moments, end=moments)
    return Session(
        started_at=draw(moments),
        stopped_at=draw(moments),
        meter_start_mwh=draw(registers),
        meter_stop_mwh=draw(registers),
        readings=tuple(draw(st.lists(st.builds(Reading, at=moments, mwh=registers), max_size=12))),
        suspended=tuple(draw(st.lists(spans, max_size=3))),
    )


_PRICES = st.decimals(0, 5, places=4).map(str)
_COMPONENTS = st.lists(
    st.builds(
        component,
        st.sampled_from([str(dimension) for dimension in Dimension]),
        _PRICES,
        vat=st.sampled_from([None, "0", "7.7", "20"]),
        step=st.sampled_from([1, 60, 500, 900]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda made: made["type"],
)
_CLOCKS = st.sampled_from(["00:00", "01:15", "01:30", "02:00", "07:00", "22:00", "23:30"])
_DAYS = st.lists(
    st.sampled_from(["MONDAY", "SATURDAY", "SUNDAY", "THURSDAY"]), max_size=3, unique=True
)


@st.composite
def elements(draw: st.DrawFn, *, by_the_clock: bool = True) -> dict[str, Any]:
    restrictions: dict[str, Any] = {}
    if by_the_clock and draw(st.booleans()):
        start, end = draw(st.lists(_CLOCKS, min_size=2, max_size=2, unique=True))
        restrictions |= {"start_time": start, "end_time": end, "day_of_week": draw(_DAYS)}
    if draw(st.booleans()):
        least = draw(st.integers(0, 20))
        restrictions |= {"min_kwh": least, "max_kwh": least + draw(st.integers(1, 20))}
    if draw(st.booleans()):
        restrictions |= {"min_duration": draw(st.integers(0, 20_000))}
    return element(*draw(_COMPONENTS), **restrictions)


@st.composite
def tariffs(draw: st.DrawFn, *, by_the_clock: bool = True) -> list[TariffVersion]:
    made = []
    for number in range(draw(st.integers(0, 3))):
        start = datetime.fromisoformat(draw(st.sampled_from(STARTS))).replace(tzinfo=UTC)
        valid_from = start + draw(st.integers(-10, 40)) * timedelta(minutes=17)
        listed = draw(st.lists(elements(by_the_clock=by_the_clock), min_size=1, max_size=3))
        made.append(version(*listed, valid_from=valid_from, version_id=f"trf_{number}"))
    return made


def bill(session: Session, versions: list[TariffVersion], zone: ZoneInfo = LONDON) -> Charge:
    return price_session(session, versions, zone=zone, currency="GBP")


@given(wild_sessions(), tariffs(), st.sampled_from(ZONES))
def test_periods_partition_the_session(
    session: Session, versions: list[TariffVersion], zone: ZoneInfo
) -> None:
    charged = bill(session, versions, zone)
    periods = charged.periods
    assert (periods[0].start, periods[-1].end) == (charged.started_at, session.stopped_at)
    assert all(before.end == after.start for before, after in pairwise(periods))
    assert len(periods) == 1 or all(period.start < period.end for period in periods)
    # Idle once, idle until the stop, but for what is suspended.
    own = [period for period in periods if not period.suspended]
    assert all(after.idle or not before.idle for before, after in pairwise(own))


@given(wild_sessions(), tariffs())
def test_energy_of_the_periods_is_that_of_the_session(
    session: Session, versions: list[TariffVersion]
) -> None:
    charged = bill(session, versions)
    assert all(period.mwh >= 0 for period in charged.periods)
    assert sum(period.mwh for period in charged.periods) == charged.total_mwh
    counted = session.meter_stop_mwh - session.meter_start_mwh
    if counted >= 0:
        assert charged.total_mwh == counted


@given(wild_sessions(), tariffs())
def test_what_is_suspended_costs_no_time(session: Session, versions: list[TariffVersion]) -> None:
    """Nor does it change what energy costs."""
    charged = bill(session, versions)
    without = bill(replace(session, suspended=()), versions)
    assert charged.cost(Dimension.ENERGY) == without.cost(Dimension.ENERGY)
    for period in charged.periods:
        within = any(span.start <= period.start < span.end for span in session.suspended)
        assert period.suspended == within
        assert not (period.suspended and period.idle)


@given(wild_sessions(), tariffs())
def test_nothing_costs_less_than_nothing(session: Session, versions: list[TariffVersion]) -> None:
    for line in bill(session, versions).lines:
        assert 0 <= line.cost.excl_vat <= line.cost.incl_vat


@given(wild_sessions(), tariffs())
def test_totals_are_sums_of_rounded_lines(session: Session, versions: list[TariffVersion]) -> None:
    charged = bill(session, versions)
    penny = Decimal("0.01")
    for line in charged.lines:
        assert line.cost.excl_vat == line.cost.excl_vat.quantize(penny)
        assert line.cost.incl_vat == line.cost.incl_vat.quantize(penny)
    parts = [charged.cost(dimension) for dimension in Dimension]
    assert charged.cost().excl_vat == sum(part.excl_vat for part in parts)
    assert charged.cost().incl_vat == sum(line.cost.incl_vat for line in charged.lines)


@given(drawn_sessions(), tariffs(), st.randoms(use_true_random=False))
def test_a_sample_in_between_changes_nothing(
    drawn: Drawn, versions: list[TariffVersion], chance: random.Random
) -> None:
    added = list(drawn.session.readings)
    at, mwh = drawn.session.started_at, drawn.session.meter_start_mwh
    for seconds, rate in drawn.rates:
        if seconds > 1:
            later = chance.randrange(1, seconds)
            added.append(Reading(at=at + later * SECOND, mwh=mwh + later * rate))
        at, mwh = at + seconds * SECOND, mwh + seconds * rate
    assert bill(replace(drawn.session, readings=tuple(added)), versions) == bill(
        drawn.session, versions
    )


@given(wild_sessions(), tariffs(), st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(
    session: Session, versions: list[TariffVersion], chance: random.Random
) -> None:
    shuffled = [*session.readings, *session.readings]
    chance.shuffle(shuffled)
    versions_shuffled = list(versions)
    chance.shuffle(versions_shuffled)
    assert bill(replace(session, readings=tuple(shuffled)), versions_shuffled) == bill(
        session, versions
    )


@given(drawn_sessions(), tariffs(by_the_clock=False), st.sampled_from(ZONES))
def test_without_times_of_day_the_zone_does_not_matter(
    drawn: Drawn, versions: list[TariffVersion], zone: ZoneInfo
) -> None:
    assert bill(drawn.session, versions, zone) == bill(drawn.session, versions)


@given(drawn_sessions(), tariffs(), st.sampled_from(ZONES))
def test_prices_hold_all_through_their_period(
    drawn: Drawn, versions: list[TariffVersion], zone: ZoneInfo
) -> None:
    """A price that began or ceased within a period would have been missed."""
    session = drawn.session
    for period in bill(session, versions, zone).periods:
        if period.microseconds < 2_000_000:
            continue
        middle = period.start + (period.end - period.start) / 2
        before = [each for each in versions if each.valid_from <= period.start]
        twice = bill(session, [*versions, _again(before, middle)], zone)
        there = next(each for each in twice.periods if each.start == middle)
        assert there.prices == period.prices


def _again(versions: list[TariffVersion], moment: datetime) -> TariffVersion:
    """The version that holds, once more from then on; a free one where none does."""
    holding = max(versions, key=lambda each: (each.valid_from, each.id), default=None)
    if holding is None:
        return version(
            element(component("FLAT", "0"), min_kwh=999_999),
            valid_from=moment,
            version_id="trf_9z",
        )
    return holding.model_copy(update={"valid_from": moment, "id": "trf_9z"})


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_every_quarter_of_an_hour_of_a_year_has_the_price_of_its_clock(zone: ZoneInfo) -> None:
    day = element(component("TIME", "2"), start_time="06:00", end_time="18:15")
    early = element(component("TIME", "4"), start_time="00:30", end_time="03:00")
    night = element(component("TIME", "1"))
    quarter = timedelta(minutes=15)
    for number in range(0, 365, 5):
        began = datetime(2026, 1, 1, tzinfo=UTC) + number * timedelta(days=1)
        session = Session(
            started_at=began,
            stopped_at=began + 484 * quarter,
            meter_start_mwh=0,
            meter_stop_mwh=121_000_000,
        )
        clocks = [
            (began + step * quarter).astimezone(zone).strftime("%H:%M") for step in range(484)
        ]
        expected = sum(
            2 if "06:00" <= clock < "18:15" else 4 if "00:30" <= clock < "03:00" else 1
            for clock in clocks
        )
        charged = bill(session, [version(day, early, night)], zone)
        assert charged.cost().excl_vat == Decimal(expected) / 4
