"""Outages: what is said of a part that is away, and whether the database answers this process."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.clock import Skew, measure_skew
from storage.engine import Database

# PostgreSQL's classes: connection exception, insufficient resources, operator intervention.
_AWAY_STATES: Final = ("08", "53", "57P")
_FORGOTTEN_AFTER: Final = timedelta(minutes=1).total_seconds()
_REASON: Final = 300
SKEW_TOLD: Final = timedelta(seconds=2)
SKEW_BORNE: Final = timedelta(seconds=10)
_LOOK: Final = timedelta(seconds=1)
_PATIENCE: Final = timedelta(seconds=4)
_FAILURES: Final = 2  # one alone may be a connection that was reset, and the next one is well
_log = structlog.get_logger(__name__)


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


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseWatch:
    """Looks once a second, from :meth:`run`; nothing is known before the first look.

    Each process has one, on a connection of its own: a pool that is busy is no outage. Whoever
    takes work takes it only while the database answers, and their clocks agree.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = _utc_now,
        every: timedelta = _LOOK,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._database = database
        self._now = now
        self._every = every.total_seconds()
        self._patience = patience.total_seconds()
        self._outage = Outage("database_away", log=_log)
        self._failures = 0
        self._skew_is_told = False
        self.skew: Skew | None = None
        """What the newest look has measured."""
        self.answering = asyncio.Event()
        self.away = asyncio.Event()
        """Set when it does not answer; neither is before the first look."""

    def trouble(self) -> str | None:
        """Why this process cannot serve by what is known of the database; None: it can."""
        if not self.answering.is_set():
            return "the database cannot be reached"
        return clock_trouble(self.skew)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Look once; never raises."""
        try:
            async with asyncio.timeout(self._patience), self._database.read() as connection:
                skew = await measure_skew(connection, self._now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the database is away
            self._failures += 1
            self._outage.failed(error)
            if self._failures >= _FAILURES or not self.answering.is_set():
                self.answering.clear()
                self.away.set()
            return
        self._failures = 0
        self._outage.over()
        self._note(skew)
        self.away.clear()
        self.answering.set()

    def _note(self, skew: Skew) -> None:
        self.skew = skew
        is_off = skew.size > SKEW_TOLD
        if is_off and not self._skew_is_told:
            _log.warning(
                "clock_differs",
                seconds_ahead=round(skew.ahead.total_seconds(), 1),
                clock=f"This process's clock is {skew}. Let NTP set both.",
            )
        elif self._skew_is_told and not is_off:
            _log.info("clock_agrees", seconds_ahead=round(skew.ahead.total_seconds(), 1))
        self._skew_is_told = is_off


def clock_trouble(skew: Skew | None) -> str | None:
    """Say that the clock is too far off to serve with, and how far; None: it is not."""
    if skew is None or skew.size <= SKEW_BORNE:
        return None
    return f"the clock is {skew}; let NTP set both"
