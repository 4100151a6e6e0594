"""What is said in the log of single charge points, within a budget for each.

One that connects all the time, or boots in a loop, must not fill the disk or hide the others; nor
does it hide its own alarms, for each level has a budget.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog

from domain.states import LogLevel

LINES: Final = 10
"""Of one charge point and level, a minute; one more says that there were others."""
_WINDOW: Final = 60.0
_log: Final = structlog.get_logger(__name__)


class ChargePointLog:
    """Counts by the minute; what was left out is summed up once the minute is over."""

    def __init__(self, *, log: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log or _log
        self._clock = clock
        self._began = clock()
        self._said: Counter[tuple[str, LogLevel]] = Counter()

    def tell(
        self,
        event: str,
        charge_point_id: str,
        *,
        level: LogLevel = LogLevel.INFO,
        **fields: object,
    ) -> None:
        """Log it, unless this charge point has had its lines of the minute.

        With ``exc_info`` among the fields, the line has a trace.
        """
        self.sum_up()
        self._said[charge_point_id, level] += 1
        if self._said[charge_point_id, level] <= LINES:
            getattr(self._log, level)(event, charge_point_id=charge_point_id, **fields)

    def sum_up(self) -> None:
        """Begin a new minute when one is over, and say what was left out in it."""
        now = self._clock()
        if now - self._began < _WINDOW:
            return
        self._began = now
        for (charge_point_id, level), said in self._said.items():
            if said > LINES:
                getattr(self._log, level)(
                    "charge_point_lines_left_out",
                    charge_point_id=charge_point_id,
                    left_out=said - LINES,
                )
        self._said.clear()
