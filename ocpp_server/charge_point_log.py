"""What is said in the log of single charge points, within a budget for each.

One that connects all the time, or boots in a loop, must not fill the disk or hide the others.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog

LINES: Final = 10
"""Of one charge point, a minute; one more says that there were others."""
_WINDOW: Final = 60.0
_log: Final = structlog.get_logger(__name__)


class ChargePointLog:
    """Counts by the minute; what was left out is summed up once the minute is over."""

    def __init__(self, *, log: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log or _log
        self._clock = clock
        self._began = clock()
        self._said: Counter[str] = Counter()

    def tell(self, event: str, charge_point_id: str, **fields: object) -> None:
        """Log it, unless this charge point has had its lines of the minute."""
        self.sum_up()
        self._said[charge_point_id] += 1
        if self._said[charge_point_id] <= LINES:
            self._log.info(event, charge_point_id=charge_point_id, **fields)

    def sum_up(self) -> None:
        """Begin a new minute when one is over, and say what was left out in it."""
        now = self._clock()
        if now - self._began < _WINDOW:
            return
        self._began = now
        for charge_point_id, said in self._said.items():
            if said > LINES:
                self._log.info(
                    "charge_point_lines_left_out",
                    charge_point_id=charge_point_id,
                    left_out=said - LINES,
                )
        self._said.clear()
