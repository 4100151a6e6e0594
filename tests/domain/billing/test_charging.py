"""What sessions cost, each computed by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.billing.register import Reading, Session
from domain.billing.tariff import Dimension
from tests.domain.billing.sessions import (
    HOUR,
    bill,
    component,
    element,
    excl,
    incl,
    kwh,
    session,
    utc,
    version,
)

ENERGY, TIME, PARKING = Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME
DAY_AND_NIGHT = (
    element(component("ENERGY", "0.10"), start_time="23:00", end_time="07:00"),
    element(component("ENERGY", "0.30")),
)


def test_energy_time_and_fee_at_their_vat_rates() -> None:
    charged = bill(
        session("2026-05-04T09:00", "2026-05-04T11:00", total=10),
        element(
            component("FLAT", "0.50", vat="20"),
            component("ENERGY", "0.305", vat="20"),
            component("TIME", "1.20"),
        ),
    )
    assert [(line.dimension, line.volume, line.cost.excl_vat) for line in charged.lines] == [
        (Dimension.FLAT, Decimal(1), Decimal("0.50")),
        (ENERGY, Decimal(10), Decimal("3.05")),
        (TIME, Decimal(2), Decimal("2.40")),
    ]
    # 0.60 + 3.66 + 2.40, the last without VAT
    assert (excl(charged), incl(charged)) == (Decimal("5.95"), Decimal("6.66"))


def test_half_a_penny_goes_up_and_is_rounded_once() -> None:
    # 0.003 and 0.002 are 0.005 together; each by itself would be nothing.
    charged = bill(
        session("2026-05-04T21:59", "2026-05-04T22:01", total=0.02),
        element(component("ENERGY", "0.30", vat="20"), start_time="23:00"),
        element(component("ENERGY", "0.20", vat="20")),
    )
    assert len(charged.periods) == 2
    assert (excl(charged), incl(charged)) == (Decimal("0.01"), Decimal("0.01"))


# The example tariff of OCPI 2.2.1 §11.4.2 and its examples. Of the first one later editions made
# 0.55, as the rule has it: parking is rounded up by itself. In May London is UTC + 1.
STEPS = (
    element(component("TIME", "1.20", step=1800), end_time="17:00"),
    element(component("TIME", "2.40", step=900), start_time="17:00"),
    element(component("PARKING_TIME", "1.00", step=900), end_time="20:00"),
)


@pytest.mark.parametrize(
    ("start", "charging_until", "stop", "cost"),
    [
        ("2026-05-04T15:55", "2026-05-04T16:05", "2026-05-04T16:07", "0.55"),
        ("2026-05-04T15:35", "2026-05-04T16:10", "2026-05-04T16:10", "1.30"),
        ("2026-05-04T18:55", "2026-05-04T19:05", "2026-05-04T19:07", "0.60"),
        # 12 minutes of charging, and 8 of parking, of which 15 are paid, before that is free
        ("2026-05-04T18:40", "2026-05-04T18:52", "2026-05-04T19:12", "0.73"),
    ],
)
def test_step_size_as_in_the_standard(
    start: str, charging_until: str, stop: str, cost: str
) -> None:
    charged = bill(session(start, stop, (charging_until, 5), total=5), *STEPS)
    assert excl(charged) == Decimal(cost)


@pytest.mark.parametrize(
    ("charging", "parking", "charged_minutes", "parked_minutes"),
    [(21, 7, 21, 10), (21, 16, 21, 20), (21, 0, 30, 0)],
)
def test_charging_that_parking_follows_is_not_rounded_up(
    charging: int, parking: int, charged_minutes: int, parked_minutes: int
) -> None:
    """Steps of ten minutes, at 1.00 and 2.00 an hour."""
    full, stop = utc("2026-05-04T09:00"), utc("2026-05-04T09:00")
    full += timedelta(minutes=charging)
    stop += timedelta(minutes=charging + parking)
    charged = bill(
        session(
            "2026-05-04T09:00",
            f"{stop:%Y-%m-%dT%H:%M}",
            (f"{full:%Y-%m-%dT%H:%M}", 5),
            total=5,
        ),
        element(component("TIME", "1", step=600), component("PARKING_TIME", "2", step=600)),
    )
    assert {line.dimension: line.volume * 60 for line in charged.lines} == {
        dimension: minutes
        for dimension, minutes in ((TIME, charged_minutes), (PARKING, parked_minutes))
        if minutes
    }


@pytest.mark.parametrize(
    ("step", "cost"), [(1, "0.029"), (25, "0.031"), (500, "0.125"), (1_000_000, "250.000")]
)
def test_step_size_of_energy_as_in_the_standard(step: int, cost: str) -> None:
    charged = bill(
        session("2026-05-04T09:00", "2026-05-04T09:10", total=0.1152),
        element(component("ENERGY", "0.25", step=step)),
        currency="BHD",  # three digits
    )
    assert excl(charged) == Decimal(cost)


def test_the_step_of_a_price_that_ended_before_still_counts() -> None:
    """From 20:00 on energy is free: what was paid before is rounded by its own step."""
    charged = bill(
        session("2026-05-04T18:30", "2026-05-04T19:30", total=10),
        element(component("ENERGY", "0.40", step=2000), end_time="20:00"),
    )
    assert [line.volume for line in charged.lines] == [Decimal(6)]  # 5 kWh in steps of 2
    assert excl(charged) == Decimal("2.40")


def test_over_midnight_by_day_of_week() -> None:
    """Friday night: 2 kWh on Friday at 0.30, 4 kWh on Saturday at 0.10."""
    charged = bill(
        session("2026-05-08T21:00", "2026-05-09T03:00", total=6),
        element(component("ENERGY", "0.10"), day_of_week=["SATURDAY", "SUNDAY"]),
        element(component("ENERGY", "0.30")),
    )
    assert [(period.start, period.mwh) for period in charged.periods] == [
        (utc("2026-05-08T21:00"), kwh(2)),
        (utc("2026-05-08T23:00"), kwh(4)),  # midnight in London
    ]
    assert excl(charged) == Decimal("1.00")


def test_dates_begin_and_end_at_local_midnight() -> None:
    charged = bill(
        session("2026-12-23T22:00", "2026-12-25T02:00", total=28),
        element(component("ENERGY", "1"), start_date="2026-12-24", end_date="2026-12-25"),
    )
    assert excl(charged) == Decimal("24.00")


@pytest.mark.parametrize(
    ("start", "stop", "hours", "cost"),
    [
        # 22:00 to 08:00 by the clock on the wall; 1 hour of evening and 1 of morning at 0.30.
        ("2026-10-24T21:00", "2026-10-25T08:00", 11, "1.50"),  # a night of 9 hours: 0.60 + 0.90
        ("2026-03-28T22:00", "2026-03-29T07:00", 9, "1.30"),  # a night of 7 hours: 0.60 + 0.70
        ("2026-05-04T21:00", "2026-05-05T07:00", 10, "1.40"),  # any other: 0.60 + 0.80
    ],
)
def test_nights_when_the_clock_is_changed(start: str, stop: str, hours: int, cost: str) -> None:
    charged = bill(session(start, stop, total=hours), *DAY_AND_NIGHT)
    assert [period.mwh for period in charged.periods] == [kwh(1), kwh(hours - 2), kwh(1)]
    assert excl(charged) == Decimal(cost)


@pytest.mark.parametrize(
    ("start", "stop", "clock", "hours"),
    [
        # 25 October 2026: 01:00 to 02:00 comes twice, at 00:00 and at 01:00 UTC.
        ("2026-10-24T22:00", "2026-10-25T04:00", ("01:30", "02:00"), "1"),
        ("2026-10-24T22:00", "2026-10-25T04:00", ("01:30", "03:00"), "2"),
        # 29 March 2026: 01:00 to 02:00 does not come; the clock shows 02:00 at 01:00 UTC.
        ("2026-03-28T22:00", "2026-03-29T04:00", ("01:30", "02:30"), "0.5"),
        ("2026-03-28T22:00", "2026-03-29T04:00", ("01:15", "01:45"), "0"),
    ],
)
def test_times_that_come_twice_or_never(
    start: str, stop: str, clock: tuple[str, str], hours: str
) -> None:
    charged = bill(
        session(start, stop, total=6),
        element(component("TIME", "1"), start_time=clock[0], end_time=clock[1]),
    )
    assert excl(charged) == Decimal(hours)


def test_a_tariff_that_changes_in_mid_session() -> None:
    """4 kWh an hour; from 10:15 on another tariff, whose fee is not due again."""
    charged = bill(
        session("2026-05-04T09:00", "2026-05-04T11:00", total=8),
        version(element(component("FLAT", "1"), component("ENERGY", "0.20")), version_id="trf_1"),
        version(
            element(component("FLAT", "9"), component("ENERGY", "0.40")),
            valid_from=utc("2026-05-04T10:15"),
            version_id="trf_2",
        ),
        version(
            element(component("ENERGY", "5")),
            valid_from=utc("2026-05-04T11:00"),
            version_id="trf_3",
        ),
    )
    assert [(period.tariff_id, period.mwh) for period in charged.periods] == [
        ("trf_1", kwh(5)),
        ("trf_2", kwh(3)),
    ]
    assert excl(charged) == Decimal("3.20")  # 1 + 5 x 0.20 + 3 x 0.40


def test_before_the_first_tariff_it_is_free() -> None:
    charged = bill(
        session("2026-05-04T09:00", "2026-05-04T11:00", total=8),
        version(element(component("ENERGY", "0.20")), valid_from=utc("2026-05-04T10:00")),
    )
    assert [period.tariff_id for period in charged.periods] == [None, "trf_1"]
    assert excl(charged) == Decimal("0.80")
    assert excl(bill(session("2026-05-04T09:00", "2026-05-04T11:00", total=8))) == 0


IDLE = (
    element(component("PARKING_TIME", "6"), min_duration=2 * 3600),
    element(component("ENERGY", "0.30"), component("TIME", "0.60")),
)


def test_idle_is_from_the_last_energy_until_the_stop() -> None:
    """Full at 10:30; idle until 13:00, which costs from two hours after the start on."""
    charged = bill(
        session(
            "2026-05-04T09:00",
            "2026-05-04T13:00",
            ("2026-05-04T09:30", 3),
            ("2026-05-04T09:45", 3),  # a pause, which is no idling
            ("2026-05-04T10:30", 8),
            ("2026-05-04T12:00", 8.04),  # standby of less than 100 W
            total=8.05,
        ),
        *IDLE,
    )
    assert [(period.idle, period.end) for period in charged.periods] == [
        (False, utc("2026-05-04T10:30")),
        (True, utc("2026-05-04T11:00")),
        (True, utc("2026-05-04T13:00")),
    ]
    assert charged.cost(ENERGY).excl_vat == Decimal("2.42")  # 8.05 x 0.30 = 2.415
    assert charged.cost(TIME).excl_vat == Decimal("0.90")  # 1.5 hours
    assert charged.cost(PARKING).excl_vat == Decimal("12.00")  # 2 hours


def test_without_samples_nobody_knows_of_idling() -> None:
    charged = bill(session("2026-05-04T09:00", "2026-05-04T13:00", total=0.2), *IDLE)
    assert charged.cost(PARKING).excl_vat == 0
    assert charged.cost(TIME).excl_vat == Decimal("2.40")


def test_a_vehicle_that_never_charged_was_idle() -> None:
    charged = bill(session("2026-05-04T09:00", "2026-05-04T13:00", total=0), *IDLE)
    assert charged.cost(PARKING).excl_vat == Decimal("12.00")
    assert charged.cost(TIME, ENERGY).excl_vat == 0


@pytest.mark.parametrize(
    ("points", "total", "suspended", "time", "parking"),
    [
        pytest.param((), 0, [("09:00", "13:00")], "0", "0", id="it never got a turn"),
        pytest.param(
            (("10:00", 8), ("10:30", 8)), 8, [("10:00", "13:00")], "0.60", "0", id="until the end"
        ),
        pytest.param(
            (("09:30", 4), ("10:30", 4), ("11:00", 8)),
            8,
            [("09:30", "10:30")],
            "0.60",  # an hour of charging
            "12.00",  # full from 11:00 on
            id="paused, then full",
        ),
        pytest.param(
            (("10:00", 8),),
            8,
            [("12:00", "12:30"), ("12:15", "12:45"), ("12:50", "12:50")],
            "0.60",
            "7.50",  # from 11:00 on, without three quarters of an hour
            id="full, then paused",
        ),
    ],
)
def test_while_the_site_keeps_power_back_no_time_is_billed(
    points: tuple[tuple[str, float], ...],
    total: float,
    suspended: list[tuple[str, str]],
    time: str,
    parking: str,
) -> None:
    day = "2026-05-04T"
    charged = bill(
        session(
            f"{day}09:00",
            f"{day}13:00",
            *((day + at, value) for at, value in points),
            total=total,
            suspended=[(day + since, day + until) for since, until in suspended],
        ),
        *IDLE,
    )
    assert charged.cost(TIME).excl_vat == Decimal(time)
    assert charged.cost(PARKING).excl_vat == Decimal(parking)


def test_by_what_has_been_charged() -> None:
    """The first 5 kWh free, then 0.20, beyond 20 kWh 0.50."""
    charged = bill(
        session("2026-05-04T09:00", "2026-05-04T11:30", total=25),
        element(component("ENERGY", "0.50"), min_kwh="20"),
        element(component("ENERGY", "0.20"), min_kwh="5", max_kwh="20"),
    )
    assert [(period.end, period.mwh) for period in charged.periods] == [
        (utc("2026-05-04T09:30"), kwh(5)),
        (utc("2026-05-04T11:00"), kwh(15)),
        (utc("2026-05-04T11:30"), kwh(5)),
    ]
    assert excl(charged) == Decimal("5.50")


def test_a_fee_that_waits_for_its_condition_is_due_once() -> None:
    fee = element(component("FLAT", "2"), min_kwh="1")
    assert excl(bill(session("2026-05-04T09:00", "2026-05-04T10:00", total=0.5), fee)) == 0
    assert excl(bill(session("2026-05-04T09:00", "2026-05-04T10:00", total=9), fee)) == 2


NINE_TO_TWELVE = ("2026-05-04T08:00", "2026-05-04T11:00")  # London
HOURLY = tuple(
    element(component("ENERGY", price), start_time=start, end_time=end)
    for price, start, end in (("1", "09:00", "10:00"), ("2", "10:00", "11:00"))
)  # the third hour is free


@pytest.mark.parametrize(
    ("start", "stop", "readings", "cost", "total"),
    [
        pytest.param(100, 106, (), "6.00", 6, id="no samples: a straight line"),
        pytest.param(100, 106, ((9, 102), (10, 106)), "10.00", 6, id="samples"),
        pytest.param(100, 106, ((9, 2), (10, 6)), "10.00", 6, id="samples of the session alone"),
        pytest.param(100, 106, ((9, 999), (10, 103)), "4.50", 6, id="beyond the stop"),
        pytest.param(100, 106, ((9, 104), (10, 101)), "6.00", 6, id="below an earlier one"),
        pytest.param(
            100,
            106,
            ((8.25, 106), (9, 102), (9.5, 103), (9.75, 0), (10, 106)),
            "10.00",
            6,
            id="one that was wrong, and one that was lost",
        ),
        pytest.param(
            100,
            5,
            ((8.5, 101), (8.75, 50), (9, 102), (9.25, 104), (9.5, 102), (9.75, 2), (10, 3)),
            "4.00",
            5,
            id="a register that restarted, and a dip and a peak",
        ),
        pytest.param(
            100, 5, ((9, 102), (9.5, 999_999), (10, 3)), "2.00", 4, id="a rise that none charges"
        ),
        pytest.param(100, 5, ((9, 102), (10, 3)), "2.00", 4, id="a register that restarted"),
        pytest.param(100, 5, (), "0.00", 0, id="a register that restarted, no samples"),
    ],
)
def test_registers(
    start: int, stop: int, readings: tuple[tuple[float, int], ...], cost: str, total: int
) -> None:
    what = Session(
        started_at=utc(NINE_TO_TWELVE[0]),
        stopped_at=utc(NINE_TO_TWELVE[1]),
        meter_start_mwh=kwh(start),
        meter_stop_mwh=kwh(stop),
        readings=tuple(
            Reading(at=utc("2026-05-04T00:00") + hour * HOUR, mwh=kwh(value))
            for hour, value in readings
        ),
    )
    charged = bill(what, *HOURLY)
    assert excl(charged) == Decimal(cost)
    assert charged.total_mwh == kwh(total)
    assert bool(charged.remarks) == (stop < start)


@pytest.mark.parametrize(
    "start", ["1970-01-01T00:00", "2026-05-04T10:01"], ids=["never set", "ahead"]
)
def test_a_clock_that_was_wrong_costs_no_time(start: str) -> None:
    charged = bill(
        session(start, "2026-05-04T10:00", total=8),
        element(component("ENERGY", "0.30"), component("TIME", "9"), component("FLAT", "1")),
    )
    assert excl(charged) == Decimal("3.40")
