"""Did real energy flow, and does the meter agree with itself?"""

import json
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.failures import FailureCode
from domain.rules.metering import judge_metering
from tests.domain.meters import EPOCH, Charge, at, transaction

# 22 kW for a minute are 367 Wh; a reading every ten seconds.
EVERY_TEN = (0, 10, 20, 30, 40, 50, 60)
FULL = Charge(power_w=22_000)


def code_of(facts: TransactionFact, readings: list[MeterReading]) -> FailureCode | None:
    problem = judge_metering(facts, readings).failure
    return None if problem is None else FailureCode(problem.code)


@pytest.mark.parametrize(
    ("facts", "readings", "code"),
    [
        (FULL.transaction(), FULL.readings(EVERY_TEN), None),
        (FULL.transaction(), list(reversed(FULL.readings(EVERY_TEN))), None),
        (FULL.transaction(), FULL.readings(EVERY_TEN, power=False), None),
        # Energy alone at both ends, power in between: each is held against its like.
        (
            FULL.transaction(),
            [FULL.reading(0, power=False), *FULL.readings((20, 30)), FULL.reading(60, power=False)],
            None,
        ),
        # Zero power at first, then all at once: any energy in between is possible.
        (FULL.transaction(), [at(0, 123_456, 0.0), at(60, 123_822, 22_000)], None),
        # A register that starts at zero with each transaction.
        (transaction(meter_start=0, meter_stop=366), [at(0, 0, 22_000), at(60, 366, 22_000)], None),
        # A closing reading after the stop, and two readings of one second in the wrong order.
        (FULL.transaction(), [*FULL.readings(EVERY_TEN), at(61, 123_822, 0)], None),
        (
            FULL.transaction(),
            [at(0, 123_460, 22_000), at(0, 123_456, 22_000), *FULL.readings((10, 60))],
            None,
        ),
        # Only the transaction moved: its one sample came at the beginning.
        (FULL.transaction(), FULL.readings((0,)), None),
        (transaction(meter_start=0, meter_stop=None), FULL.readings(EVERY_TEN), None),
        (FULL.transaction(), [], FailureCode.NO_METER_VALUES),
        (FULL.transaction(), [at(0, None, 22_000)], FailureCode.NO_METER_VALUES),
        (
            transaction(meter_start=500, meter_stop=500),
            [at(0, 500, 22_000), at(60, 500, 22_000)],
            FailureCode.METER_STANDS_STILL,
        ),
        (
            transaction(meter_start=500, meter_stop=500),
            [at(0, 500, 20), at(60, 500, 20)],
            FailureCode.NO_ENERGY,
        ),
        # -1 is what some send for a register that they do not know.
        (transaction(meter_start=123_456, meter_stop=-1), FULL.readings(EVERY_TEN), None),
        (
            FULL.transaction(),
            [MeterReading(at=EPOCH, unreadable=2)],
            FailureCode.METER_UNREADABLE,
        ),
        # The register for life beside that of the session: what names the transaction is its own.
        (
            transaction(meter_start=0, meter_stop=366),
            [
                at(0, 0, 22_000),
                at(60, 366, 22_000),
                replace(at(30, 9_000_183, 22_000), inferred=True),
            ],
            None,
        ),
        (transaction(meter_start=500, meter_stop=None), [at(0, 500)], FailureCode.NO_ENERGY),
        (
            FULL.transaction(),
            [at(0, 500, 22_000), at(30, 499, 22_000), at(60, 800, 22_000)],
            FailureCode.METER_FELL,
        ),
        (
            FULL.transaction(scale=0.001),
            FULL.readings(EVERY_TEN, scale=0.001),
            FailureCode.METER_UNITS,
        ),
        (FULL.transaction(scale=3), FULL.readings(EVERY_TEN, scale=3), FailureCode.METER_DISAGREES),
        (
            FULL.transaction(scale=0.5),
            FULL.readings(EVERY_TEN, scale=0.5),
            FailureCode.METER_DISAGREES,
        ),
        # A register of whole kWh moves by one at last, whatever it was that flowed.
        (
            transaction(meter_start=361, meter_stop=362),
            [at(0, 361, 9_400), at(30, 361, 9_400), at(60, 362, 9_400)],
            FailureCode.METER_UNITS,
        ),
        (
            transaction(meter_start=361, meter_stop=361),
            [at(0, 361, 9_400), at(60, 361, 9_400)],
            FailureCode.METER_STANDS_STILL,
        ),
        # Only the samples count whole kWh; at the start and the end it is Wh.
        (
            FULL.transaction(),
            [at(0, 123, 22_000), at(30, 123, 22_000), at(60, 123, 22_000)],
            FailureCode.METER_STANDS_STILL,
        ),
        # And the other way round.
        (
            transaction(meter_start=123, meter_stop=124),
            FULL.readings(EVERY_TEN, power=False),
            FailureCode.METER_UNITS,
        ),
        (
            FULL.transaction(),
            FULL.readings(EVERY_TEN, power=False, scale=0.001),
            FailureCode.METER_UNITS,
        ),
        # The same at the end as at the start, whatever the samples count from.
        (
            transaction(meter_start=123_456, meter_stop=123_456),
            FULL.readings(EVERY_TEN),
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=0, meter_stop=0),
            [at(0, 0, 22_000), at(60, 366, 22_000)],
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=123_400, meter_stop=123_400),
            [at(0, 123_400), at(30, 123_500), at(60, 123_600)],
            FailureCode.METER_DISAGREES,
        ),
        # One step of a register may be lost where start and end are rounded off.
        (
            transaction(meter_start=123_400, meter_stop=123_400),
            [at(0, 123_400), at(30, 123_500)],
            None,
        ),
        # It is not known; that the samples are of a session, and rose, is.
        (transaction(meter_start=-1, meter_stop=366), FULL.readings(EVERY_TEN), None),
        (
            transaction(meter_start=123_456, meter_stop=0),
            FULL.readings(EVERY_TEN),
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=123_456, meter_stop=0),
            [at(0, 123_456), at(60, 123_456)],
            FailureCode.METER_DISAGREES,
        ),
        # From the register of a session to that for life is no charge, also without power.
        (
            transaction(meter_start=123_456, meter_stop=-1),
            [at(0, 0), at(60, 123_822)],
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=0, meter_stop=1_234_567),
            [at(0, 0)],
            FailureCode.METER_DISAGREES,
        ),
        # meterStop - meterStart counts less than the samples, or far more than there was time for.
        (
            transaction(meter_start=123_456, meter_stop=123_460),
            FULL.readings(EVERY_TEN),
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=123_456, meter_stop=246_912),
            FULL.readings(EVERY_TEN),
            FailureCode.METER_DISAGREES,
        ),
        (
            transaction(meter_start=123, meter_stop=123_822),
            FULL.readings(EVERY_TEN, power=False),
            FailureCode.METER_DISAGREES,
        ),
    ],
)
def test_verdicts(
    facts: TransactionFact, readings: list[MeterReading], code: FailureCode | None
) -> None:
    assert code_of(facts, readings) == code


@pytest.mark.parametrize(
    ("facts", "readings", "cause"),
    [
        (
            transaction(meter_start=123_456, meter_stop=123_456),
            FULL.readings(EVERY_TEN),
            (
                "The meter disagrees with itself: its register at the end is the same as at the "
                "start (123456 Wh), while its samples rose by 366 Wh."
            ),
        ),
        (
            transaction(meter_start=123_456, meter_stop=0),
            FULL.readings(EVERY_TEN),
            (
                "The meter disagrees with itself: its register at the end (0 Wh) is below that at "
                "the start (123456 Wh), while its samples rose by 366 Wh."
            ),
        ),
        (
            transaction(meter_start=123_456, meter_stop=123_460),
            FULL.readings(EVERY_TEN),
            (
                "The meter disagrees with itself: from its register at the start (123456 Wh) to "
                "that at the end (123460 Wh) it counted 4 Wh, while its samples rose by 366 Wh."
            ),
        ),
        (
            FULL.transaction(scale=3),
            FULL.readings(EVERY_TEN, scale=3),
            (
                "The meter disagrees with itself: its samples rose by 1098 Wh, while power over "
                "time gives 367 Wh."
            ),
        ),
        (
            transaction(meter_start=123_456, meter_stop=-1),
            [at(0, 0), at(60, 123_822)],
            (
                "The meter disagrees with itself: its samples rose by 123822 Wh, while no vehicle "
                "draws that within 60 s."
            ),
        ),
        (
            FULL.transaction(scale=0.001),
            FULL.readings(EVERY_TEN, scale=0.001),
            (
                "The energy readings of the meter look like kWh labelled as Wh: its samples rose "
                "by 0.366 Wh, while power over time gives 367 Wh."
            ),
        ),
        (
            transaction(meter_start=123, meter_stop=124),
            FULL.readings(EVERY_TEN, power=False),
            (
                "The energy readings of the meter look like kWh labelled as Wh: from its register "
                "at the start (123 Wh) to that at the end (124 Wh) it counted 1 Wh, while its "
                "samples rose by 366 Wh."
            ),
        ),
        (
            transaction(meter_start=361, meter_stop=361),
            [at(0, 361, 9_400), at(60, 361, 9_000)],
            (
                "Power was reported (up to 9400 W) and the energy register did not follow: its "
                "samples stayed at 361 Wh while power over time gives 153 Wh. Perhaps it counts "
                "whole kWh, or stands still."
            ),
        ),
        (
            transaction(meter_start=361, meter_stop=361),
            [at(0, 361, 149_980.696), at(60, 361, 149_980.696)],
            (
                "Power was reported (up to 149981 W) and the energy register did not follow: its "
                "samples stayed at 361 Wh while power over time gives 2500 Wh. It stands still: "
                "one of whole kWh would have moved, too."
            ),
        ),
        (
            transaction(meter_start=500, meter_stop=500),
            [at(0, 500), at(60, 500)],
            (
                "The energy register did not move during the test charge: its samples stayed at "
                "500 Wh, and its register at the end is the same as at the start (500 Wh)."
            ),
        ),
        (
            transaction(meter_start=500, meter_stop=-1),
            [at(0, 500), at(60, 500)],
            (
                "The energy register did not move during the test charge: its samples stayed at "
                "500 Wh."
            ),
        ),
        (
            FULL.transaction(),
            [at(0, 500.5, 22_000), at(30, 499, 22_000), at(60, 800, 22_000)],
            "The samples of the energy register fell during the test charge, from 500.5 to 499 Wh.",
        ),
    ],
)
def test_each_number_is_named_by_where_it_comes_from(
    facts: TransactionFact, readings: list[MeterReading], cause: str
) -> None:
    problem = judge_metering(facts, readings).failure
    assert problem is not None
    assert problem.cause == cause


@pytest.mark.parametrize(
    ("start", "stop", "note"),
    [
        (123_456, -1, "meterStop is -1, so the charge point does not know it."),
        (-1, 123_822, "meterStart is -1, so the charge point does not know it."),
    ],
)
def test_what_is_not_known_at_either_end_is_named(start: int, stop: int, note: str) -> None:
    verdict = judge_metering(
        transaction(meter_start=start, meter_stop=stop), FULL.readings(EVERY_TEN)
    )
    assert (verdict.failure, verdict.notes) == (None, (note,))
    assert verdict.evidence["transaction_energy_wh"] is None


def test_the_arithmetic_is_in_the_evidence() -> None:
    verdict = judge_metering(FULL.transaction(), FULL.readings(EVERY_TEN))
    assert verdict.evidence == {
        "transaction_id": "7",
        "connector_id": 1,
        "meter_start_wh": 123_456,
        "meter_stop_wh": 123_822,
        "transaction_energy_wh": 366,
        "samples": 7,
        "register_energy_wh": 366,
        "power_over_time_wh": 366.667,
        "power_over_time_least_wh": 366.667,
        "power_over_time_most_wh": 366.667,
        "register_resolution_wh": 1,
        "relative_tolerance": 0.25,
    }
    assert verdict.notes == ()


def test_what_names_the_transaction_is_its_own() -> None:
    of_life = [replace(at(second, 9_000_000 + second, 22_000), inferred=True) for second in (5, 55)]
    verdict = judge_metering(
        transaction(meter_start=0, meter_stop=366),
        [at(0, 0, 22_000), *of_life, at(60, 366, 22_000)],
    )
    assert verdict.failure is None
    assert verdict.evidence["samples"] == 2
    assert verdict.evidence["register_energy_wh"] == 366


@pytest.mark.parametrize("step", [1, 10, 100])
def test_the_resolution_is_read_off_the_register(step: int) -> None:
    charge = Charge(power_w=22_000, step_wh=step, start_wh=123_450 + step)
    verdict = judge_metering(charge.transaction(), charge.readings(EVERY_TEN))
    assert verdict.evidence["register_resolution_wh"] == step


def test_stamps_that_stand_still_are_no_fault_of_the_meter() -> None:
    readings = [replace(one, at=EPOCH) for one in FULL.readings(EVERY_TEN)]
    still = replace(FULL.transaction(), started_at=EPOCH, stopped_at=EPOCH)
    verdict = judge_metering(still, readings)
    assert verdict.failure is None
    assert "does its clock stand still?" in verdict.notes[0]


def test_a_meter_without_power_leaves_a_note() -> None:
    verdict = judge_metering(FULL.transaction(), FULL.readings(EVERY_TEN, power=False))
    assert verdict.notes == (
        "The charge point reports no power, so energy was not held against it.",
    )


_SECONDS = st.lists(st.integers(0, 600), min_size=1, max_size=20, unique=True)


@given(
    seconds=_SECONDS,
    power_w=st.floats(1_000, 350_000),
    ramp_s=st.integers(0, 120),
    start_wh=st.integers(0, 10_000_000),
    step_wh=st.sampled_from([1, 10, 100]),
    power=st.booleans(),
    per_second=st.sampled_from([1, 1000]),
)
def test_physics_never_fails(
    *,
    seconds: list[int],
    power_w: float,
    ramp_s: int,
    start_wh: int,
    step_wh: int,
    power: bool,
    per_second: int,
) -> None:
    """Any power, ramp, resolution and sampling, as long as the register was seen to move."""
    charge = Charge(
        power_w=power_w, ramp_s=ramp_s, duration_s=610, start_wh=start_wh, step_wh=step_wh
    )
    times = sorted(second / per_second for second in seconds)
    assume(charge.register_at(610) > charge.register_at(0))
    verdict = judge_metering(charge.transaction(), charge.readings(times, power=power))
    assert verdict.failure is None, verdict


@given(
    power_w=st.floats(1_000, 350_000),
    start_wh=st.integers(0, 10_000_000),
    step_wh=st.sampled_from([1, 10, 100]),
    interval=st.integers(1, 60),
    count=st.integers(3, 20),
)
def test_kwh_labelled_wh_is_caught(
    *, power_w: float, start_wh: int, step_wh: int, interval: int, count: int
) -> None:
    """Whenever more energy flowed than the tolerance, of which ten steps are enough."""
    seconds = [number * interval for number in range(count)]
    charge = Charge(power_w=power_w, duration_s=seconds[-1], start_wh=start_wh, step_wh=step_wh)
    assume(charge.energy_at(seconds[-1]) >= 10 * step_wh)
    verdict = judge_metering(charge.transaction(scale=0.001), charge.readings(seconds, scale=0.001))
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.METER_UNITS


_NUMBER = st.none() | st.floats(-1e15, 1e15)
_READING = st.builds(
    MeterReading,
    at=st.datetimes(min_value=EPOCH.replace(tzinfo=None), timezones=st.just(UTC)),
    energy_wh=_NUMBER,
    power_w=_NUMBER,
)
_METER = st.integers(-(2**62), 2**62)


@given(
    meter_start=_METER,
    meter_stop=st.none() | _METER,
    duration_s=st.floats(-1e6, 1e6),
    readings=st.lists(_READING, max_size=6),
)
def test_never_an_exception(
    meter_start: int, meter_stop: int | None, duration_s: float, readings: list[MeterReading]
) -> None:
    facts = transaction(meter_start=meter_start, meter_stop=meter_stop, duration_s=duration_s)
    verdict = judge_metering(facts, readings)
    json.dumps(verdict.evidence, allow_nan=False)  # a database refuses NaN
    assert verdict.failure is None or verdict.failure.cause


@pytest.mark.parametrize(("missing", "code"), [(2, None), (3, FailureCode.METER_DISAGREES)])
def test_the_transaction_may_count_two_steps_less_than_its_samples(
    missing: int, code: FailureCode | None
) -> None:
    facts = transaction(meter_start=1, meter_stop=367 - missing)
    assert code_of(facts, [at(0, 1), at(60, 367)]) is code
