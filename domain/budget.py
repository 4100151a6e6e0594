"""What one charge point may have written in a day, and the alarm when it sends far more."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

_MEGABYTE: Final = 1_000_000
_KEPT: Final = (
    "What is read at one moment a minute is kept of each connector, ten moments a minute in all, "
    "until it has sent four times as much; every start and stop of a session is kept."
)


@dataclass(kw_only=True, slots=True)
class WrittenToday:
    """What a charge point has had written on ``day`` (UTC), as its node counts it.

    ``bytes`` are those of the database, with indexes, as they are estimated. ``left_out`` counts
    readings and entries of the log; ``over_at`` is since when something is, None: nothing was.
    """

    day: date
    bytes: int = 0
    left_out: int = 0
    over_at: datetime | None = None


def later(one: WrittenToday | None, other: WrittenToday | None) -> WrittenToday | None:
    """Of two counts of a charge point give the one that has gone further."""
    if one is None or other is None:
        return one or other
    return other if (other.day, other.bytes) > (one.day, one.bytes) else one


@dataclass(frozen=True, kw_only=True, slots=True)
class OverBudget:
    """The alarm: it has used its day up, and part of what it sends is left out until midnight."""

    since: datetime
    left_out: int

    @property
    def cause(self) -> str:
        """What is so, what is likely wrong and what to do, for a person."""
        return (
            f"It has sent more today than is kept of one charge point in a day. {self.left_out} "
            f"readings and entries of its log were left out since. {_KEPT} It may send its meter "
            "values too often: raise MeterValueSampleInterval and ClockAlignedDataInterval in its "
            "configuration. Else its firmware repeats itself: restart it, or update its firmware."
        )


def judge_budget(written: WrittenToday | None, now: datetime) -> OverBudget | None:
    """Raise the alarm for the day (UTC) on which something was left out, no longer."""
    if written is None or written.over_at is None or written.day != now.astimezone(UTC).date():
        return None
    return OverBudget(since=written.over_at, left_out=written.left_out)


def in_words(limit: int) -> str:
    """Say for the log that the budget is used up."""
    return (
        f"It has used up what is kept of one charge point in a day ({limit / _MEGABYTE:g} MB). "
        f"That holds until midnight (UTC). {_KEPT} Entries of its log are left out, and counted."
    )
