"""What is said of a part that is away: its reason once, with its trace, and not with every try."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# PostgreSQL's classes: connection exception, insufficient resources, operator intervention.
_AWAY_STATES: Final = ("08", "53", "57P")
_FORGOTTEN_AFTER: Final = timedelta(minutes=1).total_seconds()
_REASON: Final = 300


def is_database_away(error: BaseException) -> bool:
    """Tell whether it is about a database that cannot be reached, and not about a statement."""
    if isinstance(error, DBAPIError):
        if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
            return True
        # PostgreSQL that starts or stops ("the database system is starting up") is no
        # OperationalError.
        return str(getattr(error.orig, "sqlstate", None) or "").startswith(_AWAY_STATES)
    return isinstance(error, PoolTimeoutError | OSError)  # a time-out is an OSError, too


class Outage:
    """Tells of one part's outages: each kind of reason once, until the part is back.

    Where nobody tells that it is back, it is so when nothing has failed for a minute.
    """

    def __init__(
        self, event: str, *, log: Any = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._event = event
        self._log = log or structlog.get_logger(__name__)
        self._clock = clock
        self._said: set[str] = set()
        self._since = self._last = 0.0
        self._failures = 0

    def failed(self, error: BaseException, **fields: object) -> None:
        """Note a failure; the first of its kind is logged, the first of all with its trace."""
        now = self._clock()
        if now - self._last > _FORGOTTEN_AFTER:
            self._said.clear()
        if not self._said:
            self._since, self._failures = now, 0
        self._last = now
        self._failures += 1
        kind = _kind(error)
        if kind in self._said:
            return
        trace = None if self._said else error
        self._said.add(kind)
        self._log.warning(self._event, error=_text(error), exc_info=trace, **fields)

    def over(self, **fields: object) -> None:
        """Note that it is back, which is logged if it was away."""
        if not self._said:
            return
        self._said.clear()
        self._log.info(
            f"{self._event}_over",
            after_seconds=round(self._clock() - self._since, 1),
            failures=self._failures,
            **fields,
        )


def _kind(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__} {getattr(cause, 'sqlstate', None) or ''}"


def _text(error: BaseException) -> str:
    return repr(error)[:_REASON]
