"""Several registers in one stream, readings that are none, and registers that are named twice."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.commissioning import MeterReading
from domain.failures import FailureCode
from domain.rules.metering import MeterVerdict, judge_metering
from domain.rules.registers import has_counted
from tests.domain.meters import Charge, at, transaction

FULL = Charge(power_w=22_000)  # 366 Wh in a minute, from 123456 Wh
EVERY_TEN = (0, 10, 20, 30, 40, 50, 60)
LIFE = FULL.readings(EVERY_TEN)
SESSION = [replace(one, energy_wh=(one.energy_wh or 0) - FULL.start_wh) for one in LIFE]


def mixed(of_session: Sequence[int]) -> list[MeterReading]:
    return [SESSION[n] if n in of_session else one for n, one in enumerate(LIFE)]


def judged(
    readings: Sequence[MeterReading], *, start: int = 123_456, stop: int | None = 123_822
) -> MeterVerdict:
    return judge_metering(transaction(meter_start=start, meter_stop=stop), readings)


def code_of(verdict: MeterVerdict) -> str | None:
    return None if verdict.failure is None else verdict.failure.code


@pytest.mark.parametrize(
    ("of_session", "start", "stop"),
    [
        (range(7), 123_456, 123_822),  # samples of the session beside a register for life
        ((1, 3, 5), 123_456, 123_822),  # by turns
        ((1, 2, 3, 4, 5), 123_456, 123_822),  # but for the readings at both ends
        ((1, 3, 5), 123_456, -1),
        ((0, 1, 2, 3), 123_456, 123_822),  # from some moment on
        ((3, 4, 5, 6), 123_456, 123_822),
        ((1, 3, 5), 0, 366),  # start and end are of the session, too
    ],
)
def test_readings_of_the_session_and_for_life_in_one_stream_pass(
    of_session: Sequence[int], start: int, stop: int
) -> None:
    verdict = judged(mixed(of_session), start=start, stop=stop)
    assert verdict.failure is None, verdict
    assert verdict.evidence["register_energy_wh"] == 366
    named = [note for note in verdict.notes if "from the start of the session" in note]
    assert len(named) == (0 if len(of_session) == 7 else 1)


def test_the_two_are_named_by_their_numbers() -> None:
    (note,) = judged(mixed((1, 3, 5))).notes
    assert note == (
        "3 readings counted from the start of the session (305 Wh at the last), the others for "
        "life (123822 Wh at the last); they agree."
    )


@pytest.mark.parametrize(
    "reset",
    [
        [at(20, 123_578, 22_000), at(30, 0, 22_000), at(40, 61, 22_000), at(50, 122, 22_000)],
        [at(20, 123_578, 22_000), at(30, 61, 22_000), at(40, 122, 22_000), at(50, 183, 22_000)],
        [at(30, 123_500, 22_000), at(40, 700, 22_000), at(50, 123_700, 22_000)],
        [at(30, 0, 22_000), at(40, 0, 22_000), at(50, 0, 22_000)],
    ],
)
def test_a_register_that_falls_is_no_other_register(reset: list[MeterReading]) -> None:
    """It starts anew in the midst, or shows what is not of this session."""
    verdict = judged([*FULL.readings((0, 10)), *reset])
    assert code_of(verdict) == FailureCode.METER_FELL


@given(
    power_w=st.floats(1_000, 350_000),
    start_wh=st.integers(1_000, 10_000_000),
    step_wh=st.sampled_from([1, 10, 100]),
    interval=st.integers(5, 60),
    of_session=st.lists(st.booleans(), min_size=4, max_size=12),
)
def test_any_mix_of_a_good_meter_passes(
    *, power_w: float, start_wh: int, step_wh: int, interval: int, of_session: list[bool]
) -> None:
    seconds = [number * interval for number in range(len(of_session))]
    charge = Charge(power_w=power_w, duration_s=seconds[-1], start_wh=start_wh, step_wh=step_wh)
    start = charge.register_at(0)
    assume(charge.energy_at(seconds[-1]) > 0 and charge.register_at(seconds[-1]) > start)
    assume(start > charge.energy_at(seconds[-1]) + 2 * step_wh)
    readings = [
        replace(one, energy_wh=(one.energy_wh or 0) - start) if session else one
        for one, session in zip(charge.readings(seconds), of_session, strict=True)
    ]
    told = [one.energy_wh for one, session in zip(readings, of_session, strict=True) if session]
    assume(any(told) or readings[-1].energy_wh)  # what stays at 0 has lost what it had
    verdict = judge_metering(charge.transaction(), readings)
    assert verdict.failure is None, verdict


@given(
    fall=st.floats(0.02, 0.98),
    where=st.integers(2, 5),
    start_wh=st.integers(100_000, 10_000_000),
)
def test_no_fall_of_a_register_passes(*, fall: float, where: int, start_wh: int) -> None:
    """To anything but what the session has counted, and for good."""
    charge = Charge(power_w=22_000, start_wh=start_wh)
    readings = charge.readings(EVERY_TEN)
    fallen = [
        replace(one, energy_wh=float(int((one.energy_wh or 0) * fall))) for one in readings[where:]
    ]
    verdict = judge_metering(charge.transaction(), [*readings[:where], *fallen])
    assert code_of(verdict) == FailureCode.METER_FELL


@pytest.mark.parametrize("zeros", [(0,), (3,), (6,), (2, 4)])
def test_a_few_readings_of_zero_are_named_and_count_for_nothing(zeros: Sequence[int]) -> None:
    readings = [
        replace(one, energy_wh=0.0, power_w=0.0) if n in zeros else one
        for n, one in enumerate(LIFE)
    ]
    verdict = judged(readings)
    assert verdict.failure is None, verdict
    (note,) = verdict.notes
    assert note.startswith(f"{len(zeros)} reading")
    assert "of 0 Wh among others of 123" in note


def test_zeros_beside_readings_of_the_session() -> None:
    readings = [
        replace(LIFE[2], energy_wh=0.0) if n == 2 else one for n, one in enumerate(mixed((1, 3, 5)))
    ]
    verdict = judged(readings)
    assert verdict.failure is None, verdict
    assert len(verdict.notes) == 2


def test_a_triggered_reading_that_does_not_fit_counts_for_nothing() -> None:
    stale = replace(at(35, 123_456, 0), triggered=True)
    verdict = judged([*LIFE, stale])
    assert verdict.failure is None
    assert verdict.notes == (
        (
            "1 reading that had been asked for did not go with the periodic ones, and counted for "
            "nothing."
        ),
    )


def test_triggered_readings_that_fit_count() -> None:
    verdict = judged([replace(one, triggered=n % 2 == 0) for n, one in enumerate(LIFE)])
    assert (verdict.failure, verdict.notes) == (None, ())
    assert verdict.evidence["samples"] == 7


def test_where_all_were_asked_for_none_is_left_out() -> None:
    readings = [replace(one, triggered=True) for one in (LIFE[0], at(30, 123_400, 22_000), LIFE[6])]
    assert code_of(judged(readings)) == FailureCode.METER_FELL


@pytest.mark.parametrize("all_inferred", [False, True])
def test_clock_aligned_values_without_a_transaction_are_another_register(
    *, all_inferred: bool
) -> None:
    """Also where the samples of the session have lost its id."""
    own = [replace(one, inferred=all_inferred) for one in SESSION]
    by_clock = [
        replace(one, inferred=True, by_clock=True, at=one.at.replace(second=one.at.second + 5))
        for one in LIFE[:3]
    ]
    verdict = judged([*own, *by_clock], start=0, stop=366)
    assert verdict.failure is None, verdict
    assert verdict.evidence["register_energy_wh"] == 366
    assert verdict.notes == (
        (
            "3 readings without a transaction (123578 Wh at the last) were of another register "
            "than those of the transaction (366 Wh at the last), and counted for nothing."
        ),
    )


def test_clock_aligned_values_that_are_all_there_is_count() -> None:
    readings = [replace(one, inferred=True, by_clock=True) for one in LIFE]
    verdict = judged(readings)
    assert (verdict.failure, verdict.notes) == (None, ())
    assert verdict.evidence["samples"] == 7


def test_values_of_the_same_register_without_a_transaction_are_no_matter_to_name() -> None:
    verdict = judged([*LIFE[:3], replace(LIFE[3], inferred=True), *LIFE[4:]])
    assert (verdict.failure, verdict.notes) == (None, ())


def test_values_of_another_connector_under_this_transaction_count_for_nothing() -> None:
    other = [replace(at(second, 900_000), connector_id=2) for second in (5, 15)]
    verdict = judged([*LIFE, *other])
    assert verdict.failure is None
    assert verdict.notes == (
        (
            "2 readings of this transaction named another connector (the last 900000 Wh), and "
            "counted for nothing."
        ),
    )


@pytest.mark.parametrize("own_first", [True, False])
def test_a_register_named_twice_is_held_against_start_and_end(*, own_first: bool) -> None:
    """Two meters, or a wrong unit: one agrees with the other numbers, and a person looks at it."""
    readings = [
        replace(one, energy_wh=1_000.0, others_wh=(one.energy_wh or 0,))
        if not own_first
        else replace(one, others_wh=(1_000.0,))
        for one in LIFE
    ]
    verdict = judged(readings)
    assert verdict.failure is None, verdict
    assert verdict.needs_review
    (note,) = verdict.notes
    which = "first" if own_first else "higher"
    assert note.startswith("7 samples named the energy register more than once, with different")
    assert note.endswith(f"Wh at the last). The {which} was held against its other numbers.")


def test_the_session_beside_life_in_each_sample_passes() -> None:
    readings = [
        replace(session, others_wh=(life.energy_wh or 0,))
        for session, life in zip(SESSION, LIFE, strict=True)
    ]
    verdict = judged(readings)
    assert verdict.failure is None
    assert "(366 and 123822 Wh at the last)" in verdict.notes[0]


def test_two_registers_that_both_disagree_fail_and_are_named() -> None:
    readings = [
        replace(one, energy_wh=1_000.0 + n, others_wh=(5_000.0 + n,)) for n, one in enumerate(LIFE)
    ]
    verdict = judged(readings)
    assert code_of(verdict) == FailureCode.METER_DISAGREES
    assert "more than once" in verdict.notes[0]


@pytest.mark.parametrize(
    ("registers", "counted"),
    [
        ([], False),
        ([5.0], False),
        ([5.0, 5.0], False),
        ([5.0, 6.0], True),
        ([6.0, 5.0], False),
        # A register for life between those of the session: nothing has moved yet.
        ([0.0, 1_200_000.0, 0.0], False),
        ([0.0, 1_200_000.0, 4.0], True),
    ],
)
def test_what_counts_as_counted(*, registers: list[float], counted: bool) -> None:
    assert has_counted(registers) is counted
