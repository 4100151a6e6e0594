"""Does the database answer this process, and do their clocks agree?

Each process has one, on a connection of its own: a pool that is busy is no outage. Whoever takes
work takes it only while the database answers.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from storage.clock import Skew, measure_skew
from storage.engine import Database
from storage.outages import Outage

SKEW_TOLD: Final = timedelta(seconds=2)
SKEW_BORNE: Final = timedelta(seconds=10)

_LOOK: Final = timedelta(seconds=1)
_PATIENCE: Final = timedelta(seconds=4)
_FAILURES: Final = 2  # one alone may be a connection that was reset, and the next one is well
_log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseWatch:
    """Looks once a second, from :meth:`run`; nothing is known before the first look."""

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
