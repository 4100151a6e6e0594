"""One look a second at each thing that somebody follows, shared by all who do.

A thing is a charge point, or a whole project.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import structlog

from api.live.seats import OF_AN_ACCOUNT, STREAMS, Seat, Seats
from domain.errors import NotFoundError, UnavailableError

T = TypeVar("T")
Look = Callable[[], Awaitable[T]]
"""Gives what there is to be seen; raises NotFoundError while there is nothing."""

PAUSE: Final = 1.0
_JITTER: Final = 0.2
_OUTAGE_PAUSE: Final = 3.0
_LOOKS: Final = 200
"""A second, of a process: where more is followed than that, each is looked at less often."""
_OUTAGE: Final = "A part of the engine is away for the moment; the stream goes on when it is back."
_log = structlog.get_logger()


class Feed(Generic[T]):
    """The newest of what is followed, looked at again and again while anyone listens."""

    def __init__(self, look: Look[T], *, pause: Callable[[], float]) -> None:
        self._look = look
        self._pause = pause
        self._changed = asyncio.Event()
        self._let_go = asyncio.Event()
        self.version = 0
        """Grows with every change, from 0: nothing has been seen yet."""
        self.newest: T | None = None
        self.outage: str | None = None
        """Why there is no news, in words."""
        self.listeners = 0
        self.poller = asyncio.create_task(self._poll(), name="feed")

    def let_go(self) -> None:
        """Look no more. A look that is on its way is finished: it holds a database connection."""
        self._let_go.set()

    async def changed(self, seen: int, timeout: float) -> None:  # noqa: ASYNC109 - the usual end
        """Return when there is another version than ``seen``, or after ``timeout`` seconds."""
        if self.version != seen:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._changed.wait()

    def wake(self) -> None:
        """Let everybody look again."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def _poll(self) -> None:
        while not self._let_go.is_set():
            before = (self.newest, self.outage)
            await self._see()
            if self.version == 0 or before != (self.newest, self.outage):
                self.wake()
            pause = self._pause() if self.outage is None else max(self._pause(), _OUTAGE_PAUSE)
            pause *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._let_go.wait()

    async def _see(self) -> None:
        try:
            self.newest = await self._look()
        except NotFoundError:
            self.newest = None
        except UnavailableError as error:
            self.outage = error.detail
            return
        except Exception as error:  # noqa: BLE001 - a feed outlives every outage
            _log.warning("feed_sees_nothing", error=repr(error)[:300])
            self.outage = _OUTAGE
            return
        self.outage = None


@dataclass(frozen=True, slots=True)
class Followed(Generic[T]):
    """A feed as one of its listeners has it: until another takes the place."""

    feed: Feed[T]
    seat: Seat


class Feeds:
    """The feeds of this process, and how many streams hang on them."""

    def __init__(
        self,
        *,
        pause: float = PAUSE,
        streams: int = STREAMS,
        streams_of_an_account: int = OF_AN_ACCOUNT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self.seats = Seats(clock=clock, streams=streams, of_an_account=streams_of_an_account)
        self._feeds: dict[str, Feed[Any]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.closing = False

    @property
    def followed(self) -> int:
        """How many charge points and projects are looked at."""
        return len(self._feeds)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self.seats.taken

    @contextmanager
    def follow(self, followed_id: str, *, account_id: str, look: Look[T]) -> Iterator[Followed[T]]:
        """Follow a charge point or a project until the block ends, or another takes the place.

        ``look`` must see the same for everybody: it is that of whoever came first.

        Raises:
            TooManyRequestsError: ``too_many_streams``: the account opens too many.
            UnavailableError: ``too_many_listeners``, ``shutting_down``.

        """
        if self.closing:
            raise UnavailableError("shutting_down", "This server is stopping. Connect again.")
        seat = self.seats.take(account_id)
        feed: Feed[T] | None = self._feeds.get(followed_id)
        if feed is None:
            feed = self._feeds[followed_id] = Feed(look, pause=self._rest)
        seat.wake = feed.wake
        feed.listeners += 1
        try:
            yield Followed(feed, seat)
        finally:
            feed.listeners -= 1
            if not feed.listeners:
                del self._feeds[followed_id]
                feed.let_go()
                self._ending.add(feed.poller)
                feed.poller.add_done_callback(self._ending.discard)
            self.seats.leave(seat)

    def _rest(self) -> float:
        """How long each rests between two looks."""
        return self._pause * max(1.0, len(self._feeds) / _LOOKS)

    def close(self) -> None:
        """End every stream, and begin none: the process is about to stop."""
        self.closing = True
        for feed in self._feeds.values():
            feed.wake()

    async def closed(self) -> None:
        """Wait for the looks that are on their way."""
        self.close()
        pollers = {*self._ending, *(feed.poller for feed in self._feeds.values())}
        for feed in self._feeds.values():
            feed.let_go()
        if pollers:
            await asyncio.wait(pollers)
