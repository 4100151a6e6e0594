"""How often does a charge point send readings of a session by itself?"""

from datetime import timedelta
from typing import Final

from domain.operations import ConfigurationOutcome, ParameterOutcome
from domain.rules.numbers import read_number
from domain.states import ParameterState

SAMPLE_INTERVAL: Final = "MeterValueSampleInterval"
CLOCK_ALIGNED_INTERVAL: Final = "ClockAlignedDataInterval"
_LATE: Final = 1.1
_LONGEST_S: Final = 365 * 86_400
"""A year, so that no number of a charge point's is too large for a timer."""


def readings_every(outcome: ConfigurationOutcome) -> timedelta | None:
    """Give the time between two readings: 0 where none comes by itself, None where it is not known.

    What was applied counts before what was read at first. Readings by the clock come during a
    session, too.
    """
    parameters = {one.key: one for one in outcome.parameters}
    sampled = _in_force(parameters.get(SAMPLE_INTERVAL), outcome.sample_interval_s)
    by_clock = _in_force(parameters.get(CLOCK_ALIGNED_INTERVAL), outcome.clock_aligned_interval_s)
    known = [one for one in (sampled, by_clock) if one]
    if not known:
        return None if sampled is None else timedelta()
    return timedelta(seconds=min(*known, _LONGEST_S))


def worth_waiting_for(
    every: timedelta | None, *, margin: timedelta, at_most: timedelta
) -> timedelta | None:
    """Give how long a reading is waited for before one is asked for; None: that is no use."""
    if not every:
        return None
    patience = every * _LATE + margin
    return patience if patience <= at_most else None


def _in_force(parameter: ParameterOutcome | None, before: int | None) -> float | None:
    """Give the seconds that count now; of two that may count, the longer."""
    said = [None if before is None else float(min(before, _LONGEST_S))]
    if parameter is not None:
        reported = read_number(parameter.reported)
        desired = read_number(parameter.desired)
        match parameter.state:
            case ParameterState.APPLIED:
                said = [desired if reported is None else reported]
            case ParameterState.UNCONFIRMED:  # it took the value, and does not say what it has
                said = [desired, reported, *said]
            case _ if reported is not None:
                said = [reported]
            case _:
                pass
    return max((one for one in said if one is not None and one >= 0), default=None)
