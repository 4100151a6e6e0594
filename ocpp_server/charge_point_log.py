"""What is said in the log of single charge points, within a budget for each.

One that connects all the time, or boots in a loop, must not fill the disk or hide the others; nor
does it hide its own alarms, for each level has a budget.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog

from domain.states import LogLevel
from runtime.line_budget import LineBudget

LINES: Final = 10
"""Of one charge point and level, a minute; one more says that there were others."""
_log: Final = structlog.get_logger(__name__)


class ChargePointLog:
    """Logs of charge points; what was left out is summed up once its minute is over."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = LineBudget[tuple[str, LogLevel]](LINES, clock=clock)

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
        if self._budget.admits((charge_point_id, level)):
            getattr(_log, level)(event, charge_point_id=charge_point_id, **fields)

    def sum_up(self) -> None:
        """Say what was left out in a minute that is over."""
        for (charge_point_id, level), number in self._budget.left_out().items():
            getattr(_log, level)(
                "charge_point_lines_left_out", charge_point_id=charge_point_id, left_out=number
            )
