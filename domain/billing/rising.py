"""Which readings of a register make sense together: it never falls, but a reading may be wrong."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

Point = tuple[datetime, int]
"""A moment, and what the register showed."""


def rising(points: Sequence[Point]) -> list[Point]:
    """Return the most of these points, in order, that never fall; the earliest of several choices.

    So one reading that is far too high costs itself, and not all that follow it.
    """
    lowest: list[int] = []  # at which a chain of so many points can end
    ends: list[int] = []  # the points there
    before: list[int | None] = []
    last: int | None = None
    for number, (_, mwh) in enumerate(points):
        length = bisect_right(lowest, mwh)
        before.append(ends[length - 1] if length else None)
        if length == len(lowest):
            lowest.append(mwh)
            ends.append(number)
            last = number
        else:
            lowest[length], ends[length] = mwh, number
    chain: list[Point] = []
    while last is not None:
        chain.append(points[last])
        last = before[last]
    return chain[::-1]


def restarting(points: Sequence[Point], start: int) -> list[Point]:
    """Leave out readings after which the register goes on as if they had not been.

    For one that restarts, and so falls for good; its last point is taken as it is.
    """
    later = [*list(accumulate((mwh for _, mwh in reversed(points)), max))[-2::-1], -1]
    after = [*(mwh for _, mwh in points[1:]), -1]
    kept: list[Point] = []
    value = start
    for point, highest, following in zip(points, later, after, strict=True):
        mwh = point[1]
        dips = mwh < value <= highest
        peaks = value <= following < mwh
        if not (dips or peaks):
            kept.append(point)
            value = mwh
    return kept
