"""One line a request, within a budget for each caller: one without end hides nobody's lines."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog

LINES: Final = 600
"""Of one address, a minute; one more says how many were left out. Our failures are all in."""
_WINDOW: Final = 60.0
_MOST_ADDRESSES: Final = 10_000
_OTHERS: Final = "others"
_FAILED: Final = 500


class RequestLog:
    """Counts by the minute; what was left out is summed up once the minute is over."""

    def __init__(self, *, log: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log or structlog.get_logger()
        self._clock = clock
        self._began = clock()
        self._said: Counter[str] = Counter()

    def tell(self, *, address: str | None, status: int, **fields: object) -> None:
        """Log a request that was answered, unless its caller has had the lines of the minute."""
        self._sum_up()
        caller = address or ""
        if caller not in self._said and len(self._said) >= _MOST_ADDRESSES:
            caller = _OTHERS
        self._said[caller] += 1
        if self._said[caller] <= LINES or status >= _FAILED:
            self._log.info("http_request", status=status, address=address, **fields)

    def _sum_up(self) -> None:
        now = self._clock()
        if now - self._began < _WINDOW:
            return
        self._began = now
        for address, said in self._said.items():
            if said > LINES:
                self._log.info("http_requests_left_out", address=address, left_out=said - LINES)
        self._said.clear()
