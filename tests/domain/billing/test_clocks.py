"""When a session was: by stamps that can be believed, else by the arrival of its ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.clocks import LATEST_NEWS, LONGEST_SESSION, Times, is_plausible

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
_LENGTHS = st.timedeltas(min_value=-2 * LATEST_NEWS, max_value=2 * LATEST_NEWS)


def times(start: timedelta, stop: timedelta, *, heard: timedelta, **ahead: timedelta) -> Times:
    """Stamps and the arrival of the end, from the arrival of the start on."""
    return Times(
        started_at=AT + start, received_at=AT, stopped_at=AT + stop, stop_received_at=AT + heard,
        **ahead,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "plausible"),
    [
        (timedelta(0), True),
        (LATEST_NEWS, True),
        (LATEST_NEWS + SECOND, False),
        (-DAY, True),  # local time that is sent as UTC
        (-DAY - SECOND, False),
    ],
)
def test_what_can_have_been(late: timedelta, *, plausible: bool) -> None:
    assert is_plausible(AT - late, received_at=AT) is plausible


@pytest.mark.parametrize(
    ("start", "stop", "heard", "sound", "began", "ended", "longest"),
    [
        # As it should be.
        (-SECOND, HOUR, HOUR, True, -SECOND, HOUR, HOUR + SECOND),
        # Told late, and all at once: the stamps tell.
        (-5 * HOUR, -HOUR, SECOND, True, -5 * HOUR, -HOUR, 4 * HOUR),
        # A clock that stood still: the arrival tells how long it can have been.
        (timedelta(0), timedelta(0), HOUR, True, timedelta(0), timedelta(0), HOUR),
        # A clock ahead of ours: it began when we heard of it, at the latest.
        (HOUR, 2 * HOUR, HOUR, True, timedelta(0), 2 * HOUR, HOUR),
        # As long as a session can be, and longer.
        (timedelta(0), LONGEST_SESSION, LONGEST_SESSION, True, timedelta(0), LONGEST_SESSION,
         LONGEST_SESSION),
        (-SECOND, LONGEST_SESSION, LONGEST_SESSION, False, timedelta(0), LONGEST_SESSION,
         LONGEST_SESSION),
        # It ends before it begins.
        (timedelta(0), -SECOND, HOUR, False, timedelta(0), -SECOND, HOUR),
        # A start of years ago counts for nothing.
        (-2 * LATEST_NEWS, HOUR, HOUR, False, timedelta(0), HOUR, HOUR),
        # A stop of years ago: from the start that can be believed until we heard of the end.
        (-HOUR, -2 * LATEST_NEWS, HOUR, False, -HOUR, HOUR, 2 * HOUR),
    ],
)  # fmt: skip
def test_when_it_was(
    start: timedelta,
    stop: timedelta,
    heard: timedelta,
    began: timedelta,
    ended: timedelta,
    longest: timedelta,
    *,
    sound: bool,
) -> None:
    when = times(start, stop, heard=heard)
    assert when.sound is sound
    assert when.began - AT == began
    assert when.ended - AT == ended
    assert when.longest == longest


@pytest.mark.parametrize(
    ("ahead", "length"),
    [
        ({}, 2 * HOUR),
        ({"start_ahead": 3 * HOUR}, 2 * HOUR),  # the other one was not measured
        ({"start_ahead": timedelta(0), "stop_ahead": timedelta(0)}, 2 * HOUR),
        ({"start_ahead": HOUR, "stop_ahead": timedelta(0)}, 3 * HOUR),  # it was set back meanwhile
        ({"start_ahead": timedelta(0), "stop_ahead": HOUR}, 2 * HOUR),  # set forward: the longer
        ({"start_ahead": LONGEST_SESSION, "stop_ahead": timedelta(0)}, 2 * HOUR),  # cannot be
    ],
)
def test_how_long_it_was_by_a_clock_that_was_set_meanwhile(
    ahead: dict[str, timedelta], length: timedelta
) -> None:
    assert times(timedelta(0), 2 * HOUR, heard=HOUR, **ahead).by_its_clock == length


def test_stamps_further_apart_than_a_session_say_nothing_of_its_length() -> None:
    no_time = timedelta(0)
    apart = times(no_time, 2 * LONGEST_SESSION, heard=HOUR, start_ahead=no_time, stop_ahead=no_time)
    assert (apart.by_its_clock, apart.longest) == (no_time, HOUR)


@given(start=_LENGTHS, stop=_LENGTHS, heard=_LENGTHS)
def test_it_lasted_as_long_as_a_session_can(
    start: timedelta, stop: timedelta, heard: timedelta
) -> None:
    when = times(start, stop, heard=heard)
    assert timedelta(0) <= when.longest <= LONGEST_SESSION
    assert when.began <= when.received_at
    if when.sound:
        assert timedelta(0) <= when.ended - when.started_at <= when.longest
