"""What is billed, and from what; and what is held because no price can be right."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.bound import Rating, RatingSource, most_over_five_minutes, rate
from domain.billing.charging import price_session
from domain.billing.clocks import Times
from domain.billing.held import Decision, HoldCause, Wanted
from domain.billing.judging import Judgement, ToldSession, decide, judge
from domain.billing.register import Reading
from domain.billing.tariff import TariffVersion
from domain.plausibility import Current
from tests.domain.billing.sessions import LONDON, component, element, kwh, utc, version

START = utc("2026-05-04T09:00")
TYPE_2 = Rating(watts=22_000, source=RatingSource.DECLARED)
UNKNOWN = Rating(watts=400_000, source=RatingSource.ASSUMED)
ENERGY = (version(element(component("ENERGY", "0.30"))),)
BY_TIME = (version(element(component("ENERGY", "0.30"), component("TIME", "1.20"))),)
BY_DAY = (
    version(
        element(component("ENERGY", "0.10"), start_time="23:00", end_time="07:00"),
        element(component("ENERGY", "0.30")),
    ),
)


def told(
    start: float | None,
    stop: float | None,
    *points: tuple[float, float],
    seconds: float = 7200,
    rating: Rating = TYPE_2,
    superseded: bool = False,
    before: float | None = None,
    after: float | None = None,
    arrived: float | None = None,
) -> ToldSession:
    """Make a session: registers in kWh, ``points`` seconds after the start."""
    end = START + timedelta(seconds=seconds)
    return ToldSession(
        times=Times(
            started_at=START,
            received_at=START,
            stopped_at=end,
            stop_received_at=START + timedelta(seconds=seconds if arrived is None else arrived),
        ),
        meter_start_mwh=None if start is None else kwh(start),
        meter_stop_mwh=None if stop is None else kwh(stop),
        readings=tuple(
            Reading(at=START + timedelta(seconds=at), mwh=kwh(value)) for at, value in points
        ),
        rating=rating,
        superseded=superseded,
        before_mwh=None if before is None else kwh(before),
        after_mwh=None if after is None else kwh(after),
    )


def energy_of(judged: Judgement) -> Decimal:
    """What is billed, in kWh."""
    assert judged.session is not None, judged.hold
    charged = price_session(judged.session, ENERGY, zone=LONDON, currency="GBP")
    return Decimal(charged.total_mwh) / 1_000_000


def every(seconds: float, values: Sequence[float]) -> list[tuple[float, float]]:
    """One reading after the other."""
    return [(seconds * (number + 1), value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("session", "energy", "remark"),
    [
        pytest.param(told(100, 110), "10", None, id="start and stop"),
        pytest.param(told(0, 10), "10", None, id="a register of the session alone"),
        pytest.param(
            told(100, 110, *every(600, range(101, 111))), "10", None, id="samples between them"
        ),
        pytest.param(told(100, 110, *every(600, range(1, 11))), "10", None, id="samples from zero"),
        pytest.param(
            told(0, 10, (900, 7931), (6300, 7940)), "10", None, id="samples of another register"
        ),
        pytest.param(
            told(100, 110, (600, 101), (660, 99_999), (6000, 109)), "10", None, id="one wild sample"
        ),
        pytest.param(
            told(
                0,
                7930.016,
                *((at, 7930 + at * 0.002) for at in (1.5, 3.0, 4.5, 6.0, 7.5)),
                seconds=8,
                rating=UNKNOWN,
                before=7930,
            ),
            "0.016",
            "the session before",
            id="7930 kWh in eight seconds: the register was not ready",
        ),
        pytest.param(
            told(0, 7930.016, (1.5, 7930.003), (7.5, 7930.015), seconds=8),
            "0.013",
            "from its first reading",
            id="the same at the first session ever",
        ),
        pytest.param(
            told(None, 110, *every(60, [100 + n / 12 for n in range(1, 121)])),
            str(Decimal(kwh(110) - kwh(100 + 1 / 12)) / 1_000_000),
            "from its first reading",
            id="no reading at the start",
        ),
        pytest.param(told(0, 7940, before=7930), "10", "the session before", id="without samples"),
        pytest.param(told(-1, 7940, before=7930), "10", "the session before", id="-1 at the start"),
        pytest.param(
            told(100, 100, *every(60, [100 + n / 12 for n in range(1, 120)])),
            str(Decimal(kwh(100 + 119 / 12) - kwh(100)) / 1_000_000),
            "up to its last reading",
            id="stop is start though the samples moved",
        ),
        pytest.param(
            told(100, -1, *every(60, [100 + n / 12 for n in range(1, 120)]), after=110),
            "10",
            "the session after",
            id="-1 at the stop",
        ),
        pytest.param(
            told(100, 2**61 / 1000, *every(60, [100 + n / 12 for n in range(1, 120)])),
            str(Decimal(kwh(100 + 119 / 12) - kwh(100)) / 1_000_000),
            "up to its last reading",
            id="2^61 Wh at the stop",
        ),
        pytest.param(
            told(100, 100, *every(60, [n / 12 for n in range(1, 120)])),
            str(Decimal(kwh(119 / 12)) / 1_000_000),
            "count from zero",
            id="stop is start, samples from zero",
        ),
        pytest.param(
            told(-1, -1, *every(60, [100 + n / 12 for n in range(120)])),
            str(Decimal(kwh(100 + 119 / 12) - kwh(100)) / 1_000_000),
            "from its first reading to its last one",
            id="-1 at both ends",
        ),
        pytest.param(
            told(
                100,
                5,
                *every(60, [*(100 + n / 12 for n in range(60)), *(n / 12 for n in range(60))]),
            ),
            None,
            "started anew",
            id="a register that restarted between two near readings",
        ),
        pytest.param(
            told(100, 160, seconds=0.036, arrived=7200, rating=UNKNOWN),
            "60",
            "took too short a time",
            id="a clock that stood still",
        ),
        pytest.param(
            told(100, 108, superseded=True, after=108),
            None,
            None,
            id="superseded, no samples: the session after tells",
        ),
    ],
)
def test_one_right_answer_is_billed(
    session: ToldSession, energy: str | None, remark: str | None
) -> None:
    judged = judge(session, ENERGY)
    assert judged.hold is None
    billed = energy_of(judged)
    if energy is not None:
        assert billed == Decimal(energy)
    assert judged.session is not None
    remarks = price_session(judged.session, ENERGY, zone=LONDON, currency="GBP").remarks
    assert (remark or "") in " ".join(remarks)
    if remark is None and not session.superseded:
        assert remarks == ()


@pytest.mark.parametrize(
    ("session", "cause", "says"),
    [
        pytest.param(
            told(0, 7930, seconds=8), HoldCause.ABOVE_BOUND, "7,930.000 kWh", id="7930 kWh at once"
        ),
        pytest.param(
            told(100, 2**61 / 1000), HoldCause.ABOVE_BOUND, "no more than 56.000 kWh", id="2^61 Wh"
        ),
        pytest.param(
            told(100, 160, seconds=0.036, rating=UNKNOWN),
            HoldCause.ABOVE_BOUND,
            "60.000 kWh",
            id="60 kWh in 36 ms",
        ),
        pytest.param(
            told(100, 100, (1, 101.5), (3, 103), (5, 105), seconds=6, rating=UNKNOWN),
            HoldCause.ABOVE_BOUND,
            "more than the 1.833 kWh",
            id="5 kWh in six seconds, and the stop is the start",
        ),
        pytest.param(told(None, None), HoldCause.NO_READINGS, "never told", id="nothing at all"),
        pytest.param(told(-1, -1), HoldCause.NO_READINGS, "never told", id="-1 twice"),
        pytest.param(told(100, None), HoldCause.READINGS_DISAGREE, "stop (not told)", id="no stop"),
        pytest.param(
            told(100, -1), HoldCause.READINGS_DISAGREE, "stop (-1.000 kWh)", id="-1 kWh, no samples"
        ),
        pytest.param(
            told(100, 5), HoldCause.READINGS_DISAGREE, "stop (5.000 kWh)", id="it restarted unseen"
        ),
        pytest.param(
            told(100, 5, (600, 104), (6600, 3)),
            HoldCause.READINGS_DISAGREE,
            "2 from",
            id="it restarted in 100 minutes of silence",
        ),
        pytest.param(
            told(None, 110, (3600, 105), (5400, 108)),
            HoldCause.READINGS_DISAGREE,
            "leave open",
            id="an hour before the first reading",
        ),
        pytest.param(
            told(100, 165, *every(600, [*range(101, 111), 165])),
            HoldCause.ABOVE_BOUND,
            "65.000 kWh",
            id="a jump",
        ),
        pytest.param(
            told(100, None, (600, 103), superseded=True),
            HoldCause.END_UNKNOWN,
            "never told",
            id="superseded, and little was seen",
        ),
    ],
)
def test_what_leaves_it_open_is_held(session: ToldSession, cause: HoldCause, says: str) -> None:
    judged = judge(session, ENERGY)
    assert judged.session is None
    assert judged.hold is not None
    assert judged.hold.cause is cause
    assert says in judged.hold.reason
    assert judged.hold.wanted == (Wanted.ENERGY,)
    least = judged.hold.least_mwh
    assert least is None or 0 <= least <= judged.hold.most_mwh


def _with_clock(session: ToldSession, started: str, stopped: str | None = None) -> ToldSession:
    times = session.times
    length = times.stopped_at - times.started_at
    start = utc(started)
    return replace(
        session,
        times=replace(
            times, started_at=start, stopped_at=utc(stopped) if stopped else start + length
        ),
    )


def test_a_wrong_clock_holds_what_is_priced_by_time_and_not_the_energy() -> None:
    session = _with_clock(told(100, 110), "1970-01-01T00:00")
    free_of_time = judge(session, ENERGY)
    assert free_of_time.hold is None
    assert energy_of(free_of_time) == 10
    by_time = judge(session, BY_TIME)
    assert energy_of(by_time) == 10
    assert by_time.hold is not None
    assert (by_time.hold.cause, by_time.hold.wanted) == (HoldCause.CLOCK_WRONG, (Wanted.TIME,))
    assert by_time.hold.longest == timedelta(hours=2)
    by_day = judge(session, BY_DAY)
    assert by_day.session is None
    assert by_day.hold is not None
    assert by_day.hold.wanted == (Wanted.ENERGY, Wanted.TIME)


def test_a_wrong_clock_holds_all_where_the_tariff_was_changed_of_late() -> None:
    session = _with_clock(told(100, 110), "1970-01-01T00:00")
    dearer = version(
        element(component("ENERGY", "0.50")),
        valid_from=START - timedelta(hours=1),
        version_id="trf_2",
    )
    judged = judge(session, (*ENERGY, dearer))
    assert judged.session is None
    assert judge(told(100, 110), (*ENERGY, dearer)).hold is None


def test_the_owner_says_how_long_it_was() -> None:
    session = _with_clock(told(100, 110), "1970-01-01T00:00")
    said = decide(session, Decision(minutes=Decimal(90)), BY_TIME)
    assert said is not None
    charged = price_session(said, BY_TIME, zone=LONDON, currency="GBP")
    assert charged.cost().excl_vat == Decimal("4.80")  # 10 x 0.30 + 1.5 x 1.20
    assert charged.remarks == ("Released by the site owner.",)


def test_the_owner_says_how_much_it_was() -> None:
    said = decide(
        told(100, 2**61 / 1000), Decision(energy_kwh=Decimal("7.5"), note="Asked."), ENERGY
    )
    assert said is not None
    charged = price_session(said, ENERGY, zone=LONDON, currency="GBP")
    assert charged.cost().excl_vat == Decimal("2.25")
    assert charged.total_mwh == 7_500_000
    assert charged.remarks == ("Released by the site owner: Asked.",)


@pytest.mark.parametrize(
    ("known", "watts", "source"),
    [
        ({"declared_w": 7360}, 7360, RatingSource.DECLARED),
        ({"catalogue_w": 22_000}, 22_000, RatingSource.CATALOGUE),
        ({"shown_w": 3600}, 22_000, RatingSource.SHOWN),
        ({"shown_w": 150_000}, 150_000, RatingSource.SHOWN),
        ({"shown_w": 9_000_000}, 400_000, RatingSource.SHOWN),
        ({"shown_w": 150_000, "current": Current.AC}, 43_470, RatingSource.SHOWN),
        ({"current": Current.DC}, 400_000, RatingSource.ASSUMED),
        ({"current": Current.AC}, 43_470, RatingSource.ASSUMED),
        ({"declared_w": 7360, "catalogue_w": 22_000}, 7360, RatingSource.DECLARED),
    ],
)
def test_the_power_that_is_known_best_counts(
    known: dict[str, int], watts: int, source: RatingSource
) -> None:
    nothing = {"declared_w": None, "catalogue_w": None, "shown_w": None, "current": None}
    rated = rate(**nothing | known)  # type: ignore[arg-type]
    assert (rated.watts, rated.source) == (watts, source)


def test_power_is_what_the_register_shows_over_five_minutes() -> None:
    def points(*values: tuple[int, float]) -> list[tuple[datetime, int]]:
        return [(START + timedelta(minutes=at), kwh(value)) for at, value in values]

    assert most_over_five_minutes(points((0, 0), (4, 1))) is None
    assert most_over_five_minutes(points((0, 0), (5, 1), (10, 1.5))) == 12_000
    quick = points(*((minute, minute * 0.1) for minute in range(20)))
    assert most_over_five_minutes(quick) == 6_000
    # A step that no charge point gives shows nothing.
    assert most_over_five_minutes([*quick, *points((20, 500), (25, 500.5))]) == 6_000


def test_a_session_that_was_told_late_is_no_suspicion() -> None:
    """Both messages came at once, a day later: the stamps tell how long it was."""
    session = told(100, 130)
    late = START + timedelta(days=1)
    replayed = replace(
        session, times=replace(session.times, received_at=late, stop_received_at=late)
    )
    assert energy_of(judge(replayed, ENERGY)) == 30


@st.composite
def honest(draw: st.DrawFn) -> ToldSession:
    """Sessions whose messages are true, on registers for life or of the session."""
    seconds = draw(st.integers(60, 20 * 3600))
    start = draw(st.sampled_from([0.0, 12.5, 7930.0]))
    rates = draw(st.lists(st.floats(0, 22), min_size=1, max_size=12))
    step = seconds / len(rates)
    value, points = start, []
    for number, power in enumerate(rates):
        value += power * step / 3600
        points.append((step * (number + 1), value))
    session = told(start, value, *points[:-1], seconds=seconds)
    return replace(session, meter_stop_mwh=kwh(value))


@given(
    session=honest(),
    tariff=st.sampled_from([ENERGY, BY_TIME, BY_DAY]),
    delay=st.integers(0, 30 * 86_400),
    later=st.integers(0, 86_400),
)
def test_what_came_late_is_billed_as_if_it_had_come_in_time(
    session: ToldSession, tariff: Sequence[TariffVersion], delay: int, later: int
) -> None:
    """The engine, or its link, was down: prices never depend on it."""
    times = session.times
    received = times.received_at + timedelta(seconds=delay)
    stop_received = max(received, times.stop_received_at) + timedelta(seconds=later)
    late = replace(
        session, times=replace(times, received_at=received, stop_received_at=stop_received)
    )
    in_time, afterwards = judge(session, tariff), judge(late, tariff)
    assert in_time.hold is None
    assert afterwards == in_time


_REGISTERS = st.one_of(
    st.none(),
    st.sampled_from([-1_000, 0, 7_930_000_000, 2**61 * 1000, 1_000_000, 1_000_001]),
    st.integers(0, 10**10),
)
_SECONDS = st.integers(-100, 200_000)


@given(
    start=_REGISTERS,
    stop=_REGISTERS,
    before=_REGISTERS,
    after=_REGISTERS,
    points=st.lists(st.tuples(_SECONDS, st.integers(0, 10**10)), max_size=12),
    stopped=_SECONDS,
    arrived=st.integers(0, 200_000),
    began=st.sampled_from([0, -56 * 365 * 86_400, 86_400 * 4000]),
    superseded=st.booleans(),
    tariff=st.sampled_from([ENERGY, BY_TIME, BY_DAY]),
    rating=st.sampled_from([TYPE_2, UNKNOWN]),
)
def test_no_bill_exceeds_what_physics_allows(
    start: int | None,
    stop: int | None,
    before: int | None,
    after: int | None,
    points: list[tuple[int, int]],
    stopped: int,
    arrived: int,
    began: int,
    superseded: bool,
    tariff: Sequence[TariffVersion],
    rating: Rating,
) -> None:
    times = Times(
        started_at=START + timedelta(seconds=began),
        received_at=START,
        stopped_at=START + timedelta(seconds=began + stopped),
        stop_received_at=START + timedelta(seconds=arrived),
    )
    session = ToldSession(
        times=times,
        meter_start_mwh=start,
        meter_stop_mwh=stop,
        readings=tuple(
            Reading(at=START + timedelta(seconds=began + at), mwh=mwh) for at, mwh in points
        ),
        rating=rating,
        before_mwh=before,
        after_mwh=after,
        superseded=superseded,
    )
    judged = judge(session, tariff)
    assert judged.session is not None or judged.hold is not None
    if judged.session is not None:
        charged = price_session(judged.session, tariff, zone=LONDON, currency="GBP")
        assert 0 <= charged.total_mwh <= rating.most_mwh(times.longest)
        assert charged.cost().excl_vat >= 0
    if judged.hold is not None:
        assert judged.hold.reason
        assert judged.hold.most_mwh == rating.most_mwh(times.longest)
