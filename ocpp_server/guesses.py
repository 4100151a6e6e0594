"""Id tags cannot be tried out quickly: who presents many unknown ones is answered late.

Late is whatever is presented there then, the right one too, so that the time tells nothing; and
nobody is refused for it, for a driver may stand there whose card is the sixth.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

MOST: Final = 5
"""Unknown id tags of one charge point within a minute that are answered at once."""
_WINDOW: Final = 60.0
_STEP: Final = 2.0
LATEST: Final = 8.0
"""Seconds; some firmware waits ten for an answer."""
_REMEMBERED: Final = MOST + int(LATEST / _STEP)
_MAX_CHARGE_POINTS: Final = 10_000


class Guesses:
    """Unknown id tags of each charge point of a node, over all its links."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def pause(self, charge_point_id: str, *, unknown: bool) -> float:
        """Count an id tag that was presented; return how many seconds its answer has to wait."""
        now = self._clock()
        seen = self._seen.get(charge_point_id, ())
        recent = sum(now - at < _WINDOW for at in seen)
        if unknown:
            self._count(charge_point_id, now)
        return min(max(recent - MOST + 1, 0) * _STEP, LATEST)

    def _count(self, charge_point_id: str, now: float) -> None:
        seen = self._seen.pop(charge_point_id, None)
        seen = deque(maxlen=_REMEMBERED) if seen is None else seen
        seen.append(now)
        self._seen[charge_point_id] = seen
        while len(self._seen) > _MAX_CHARGE_POINTS:
            self._seen.popitem(last=False)
