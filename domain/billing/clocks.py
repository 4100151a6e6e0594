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
    """Both ends of a session, as its charge point stamped them, and when we heard of them."""

    started_at: datetime
    received_at: datetime
    stopped_at: datetime
    stop_received_at: datetime

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
    def _knows_its_start(self) -> bool:
        return is_plausible(self.started_at, received_at=self.received_at)

    @property
    def _knows_its_stop(self) -> bool:
        return is_plausible(self.stopped_at, received_at=self.stop_received_at)
