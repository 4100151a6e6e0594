"""One line a request, within a budget for each caller: one without end hides nobody's lines."""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from runtime.line_budget import LineBudget

LINES: Final = 600
"""Of one address, a minute; one more says how many were left out. Our failures are all in."""
_MOST_ADDRESSES: Final = 10_000
_OTHERS: Final = "others"
_FAILED: Final = 500


class RequestLog:
    """Logs requests; what was left out is summed up once its minute is over."""

    def __init__(self, *, log: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log or structlog.get_logger()
        self._budget = LineBudget[str](LINES, clock=clock)

    def tell(self, *, address: str | None, status: int, **fields: object) -> None:
        """Log a request that was answered, unless its caller has had the lines of the minute."""
        for caller, number in self._budget.left_out().items():
            self._log.info("http_requests_left_out", address=caller, left_out=number)
        caller = address or ""
        if caller not in self._budget and self._budget.subjects >= _MOST_ADDRESSES:
            caller = _OTHERS
        if self._budget.admits(caller) or status >= _FAILED:
            self._log.info("http_request", status=status, address=address, **fields)
