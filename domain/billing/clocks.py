"""When a session was, by the clock of its charge point where that can be believed, or by ours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_SESSION: Final = timedelta(days=31)
"""Longer than any session: the charge point's clock was wrong at one of its ends."""
LATEST_NEWS: Final = timedelta(days=366)
"""No charge point keeps a session longer than that before it tells it."""
_AHEAD: Final = timedelta(days=1)  # local time that is sent as UTC is still believed


def is_plausible(at: datetime, *, received_at: datetime) -> bool:
    """Whether something that we heard of then can have happened at that moment."""
    return -_AHEAD <= received_at - at <= LATEST_NEWS


def has_sound_clock(started_at: datetime, stopped_at: datetime) -> bool:
    """Whether a session can have lasted that long."""
    return timedelta(0) <= stopped_at - started_at <= LONGEST_SESSION


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Both ends of a session, as its charge point stamped them, and when we heard of them.

    ``start_ahead`` and ``stop_ahead`` are how far its clock was ahead of ours when it told them,
    as far as that was measured.
    """

    started_at: datetime
    received_at: datetime
    stopped_at: datetime
    stop_received_at: datetime
    start_ahead: timedelta | None = None
    stop_ahead: timedelta | None = None

    @property
    def sound(self) -> bool:
        """Whether both stamps can be believed."""
        return (
            self._knows_its_start
            and self._knows_its_stop
            and has_sound_clock(self.started_at, self.stopped_at)
        )

    @property
    def began(self) -> datetime:
        """When it began; at the latest when we heard of it."""
        if self.sound or (self._knows_its_start and not self._knows_its_stop):
            return min(self.started_at, self.received_at)
        return self.received_at

    @property
    def ended(self) -> datetime:
        """When it ended."""
        return self.stopped_at if self._knows_its_stop else self.stop_received_at

    @property
    def by_its_clock(self) -> timedelta:
        """How long it lasted by the charge point's own stamps; at most as a session can."""
        stamped = self.stopped_at - self.started_at
        corrected = timedelta(0)
        if self.start_ahead is not None and self.stop_ahead is not None:
            corrected = stamped + self.start_ahead - self.stop_ahead
        return max(
            (length for length in (stamped, corrected) if length <= LONGEST_SESSION),
            default=timedelta(0),
        )

    @property
    def longest(self) -> timedelta:
        """The longest that it can have lasted, by the stamps and by the arrival of its messages.

        Of one that was told when the charge point was back online the stamps tell, of one whose
        clock stood still the arrival does. What has only a start that can be believed may have
        lasted until we heard of its end.
        """
        lengths = [self.by_its_clock, self.stop_received_at - self.received_at]
        if self._knows_its_start and not self._knows_its_stop:
            lengths.append(self.stop_received_at - self.started_at)
        return min(max(timedelta(0), *lengths), LONGEST_SESSION)

    @property
    def _knows_its_start(self) -> bool:
        return is_plausible(self.started_at, received_at=self.received_at)

    @property
    def _knows_its_stop(self) -> bool:
        return is_plausible(self.stopped_at, received_at=self.stop_received_at)
