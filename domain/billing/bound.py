"""What physics allows: no session has more energy than its power over its time, with a margin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.billing.rising import Point
from domain.plausibility import Current

FIVE_MINUTES: Final = timedelta(minutes=5)
MOST_AC_W: Final = 43_470
"""63 A on three phases of 230 V: no AC connector for vehicles gives more (IEC 62196-2)."""
MOST_DC_W: Final = 400_000
USUAL_AC_W: Final = 22_000
"""Any charge point may give so much, however little the vehicles before have drawn."""
_MARGIN_PERCENT: Final = 25
_STEP_MWH: Final = 1_000_000
"""A kWh: some registers count in no smaller steps."""
_MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_MW: Final = 1000  # in a W


class RatingSource(StrEnum):
    """From what it is known how much power a connector can give."""

    DECLARED = "declared"
    CATALOGUE = "catalogue"
    SHOWN = "shown"
    ASSUMED = "assumed"

    @property
    def words(self) -> str:
        """As the end of a sentence."""
        return {
            RatingSource.DECLARED: "as its cable is declared",
            RatingSource.CATALOGUE: "as its model is rated",
            RatingSource.SHOWN: "the most that its register showed over five minutes, or is usual",
            RatingSource.ASSUMED: "the most that any such charge point gives",
        }[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """The most power that a connector gives, in watts."""

    watts: int
    source: RatingSource

    def most_mwh(self, length: timedelta) -> int:
        """The most energy that it can have given in so long, with the margin."""
        microseconds = max(length // _MICROSECOND, 0)
        exact = self.watts * _MW * microseconds // _MICROSECONDS_PER_HOUR
        return exact * (100 + _MARGIN_PERCENT) // 100 + _STEP_MWH


def rate(
    *,
    declared_w: int | None,
    catalogue_w: int | None,
    shown_w: int | None,
    current: Current | None,
) -> Rating:
    """Choose the figure that is known best.

    What a register showed is believed up to what any charge point gives, and is no less than what
    is usual: a small vehicle says nothing of the next one.
    """
    if declared_w is not None:
        return Rating(watts=declared_w, source=RatingSource.DECLARED)
    if catalogue_w is not None:
        return Rating(watts=catalogue_w, source=RatingSource.CATALOGUE)
    most = MOST_AC_W if current is Current.AC else MOST_DC_W
    if shown_w is not None:
        return Rating(watts=min(max(shown_w, USUAL_AC_W), most), source=RatingSource.SHOWN)
    return Rating(watts=most, source=RatingSource.ASSUMED)


def most_over_five_minutes(points: Sequence[Point]) -> int | None:
    """The most power, in watts, that a rising register shows over five minutes or a little more.

    A step that is more than any charge point gives is an error of the register, and shows nothing.
    None: it was not watched for so long.
    """
    ceiling = Rating(watts=MOST_DC_W, source=RatingSource.ASSUMED)
    found: int | None = None
    first = 0
    for last in range(1, len(points)):
        step = points[last][1] - points[last - 1][1]
        if not 0 <= step <= ceiling.most_mwh(points[last][0] - points[last - 1][0]):
            first = last
            continue
        while first + 1 < last and points[last][0] - points[first + 1][0] >= FIVE_MINUTES:
            first += 1
        length = points[last][0] - points[first][0]
        if length >= FIVE_MINUTES:
            rise = points[last][1] - points[first][1]
            watts = rise * _MICROSECONDS_PER_HOUR // (length // _MICROSECOND * _MW)
            found = max(found or 0, watts)
    return found
