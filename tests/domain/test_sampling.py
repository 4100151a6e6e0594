"""How often a charge point sends readings, by what it reports and what was applied."""

from datetime import timedelta

import pytest

from domain.operations import ConfigurationOutcome, ParameterOutcome
from domain.rules.sampling import readings_every, worth_waiting_for
from domain.states import ParameterState

SAMPLE, CLOCK = "MeterValueSampleInterval", "ClockAlignedDataInterval"
MARGIN, AT_MOST = timedelta(seconds=5), timedelta(seconds=90)


def of(
    key: str, state: ParameterState, desired: str, reported: str | None = None
) -> ParameterOutcome:
    return ParameterOutcome(key=key, desired=desired, reported=reported, state=state)


APPLIED, REJECTED = ParameterState.APPLIED, ParameterState.REJECTED
UNCONFIRMED = ParameterState.UNCONFIRMED


@pytest.mark.parametrize(
    ("parameters", "sampled", "by_clock", "seconds"),
    [
        ((), None, None, None),
        ((), 60, None, 60),
        ((), 0, None, 0),
        ((), 0, 0, 0),
        ((), None, 0, None),  # that none comes by the clock says nothing of the others
        ((), None, 900, 900),
        ((), 0, 900, 900),
        ((), 60, 900, 60),
        ((), 60, 15, 15),
        ((of(SAMPLE, APPLIED, "30", "30"),), 60, None, 30),
        ((of(SAMPLE, APPLIED, "30", "30.0"),), 60, 0, 30),
        ((of(SAMPLE, APPLIED, "30"),), 60, None, 30),
        ((of(SAMPLE, REJECTED, "30", "300"),), 300, None, 300),
        ((of(SAMPLE, REJECTED, "30"),), 300, None, 300),
        # It took the value and does not say what it has: the longer may be in force.
        ((of(SAMPLE, UNCONFIRMED, "30", "60"),), 60, None, 60),
        ((of(SAMPLE, UNCONFIRMED, "120"),), 60, None, 120),
        ((of(SAMPLE, APPLIED, "0", "0"), of(CLOCK, APPLIED, "20", "20")), 60, 900, 20),
        ((of(SAMPLE, REJECTED, "30", "soon"),), None, None, None),
        ((), -1, None, None),
        ((of(SAMPLE, REJECTED, "30", "9" * 30),), None, None, 365 * 86_400),
        ((), 10**400, None, 365 * 86_400),
    ],
)
def test_what_is_in_force(
    parameters: tuple[ParameterOutcome, ...],
    sampled: int | None,
    by_clock: int | None,
    seconds: int | None,
) -> None:
    outcome = ConfigurationOutcome(
        parameters=parameters, sample_interval_s=sampled, clock_aligned_interval_s=by_clock
    )
    every = readings_every(outcome)
    assert every == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("every", "patience"),
    [(None, None), (0, None), (10, 16), (60, 71), (77, 89.7), (78, None), (10**9, None)],
)
def test_a_reading_is_waited_for_as_long_as_there_is_time(
    every: int | None, patience: float | None
) -> None:
    given = None if every is None else timedelta(seconds=every)
    waited = worth_waiting_for(given, margin=MARGIN, at_most=AT_MOST)
    assert waited == (None if patience is None else timedelta(seconds=patience))
