"""One stream: what its listener has heard, what comes next, and when it ends."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Message, Send

from api.live.feeds import Followed
from api.live.schemas import NoticeTold, Passing
from api.live.telling import Position, Since, Teller, finished, passing
from domain.checks import RunView
from domain.errors import ForbiddenError, NotFoundError, UnauthorizedError

T = TypeVar("T")
_RETRY_MS: Final = 2000
_REPLACED_RETRY_MS: Final = 60_000
"""A browser connects again by itself: at once, it would take the place of the next one."""
_REPLACED: Final = NoticeTold(
    code="replaced",
    detail="A newer event stream has taken the place of this one: there are as many as your "
    "account or this server may have. Close those that you do not need, then connect again.",
)
_KEEP_ALIVE: Final = 15.0
_RECHECK: Final = 5.0
_PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """Why somebody may listen, and until when."""

    recheck: Callable[[], Coroutine[Any, Any, None]]
    """Raises when the session or the access has ended."""
    expires_at: datetime
    stopping: Callable[[], bool]
    """Whether the process is about to stop."""


class Stream(ABC, Generic[T]):
    """Composes the stream of one listener from the feed that it shares."""

    def __init__(self, followed: Followed[T], right: Right) -> None:
        self._feed = followed.feed
        self._seat = followed.seat
        self._right = right
        self._outage: str | None = None

    async def listen(self) -> AsyncIterator[bytes]:
        """Give the stream, piece by piece, until there is a reason to end it."""
        yield format_sse_event(retry=_RETRY_MS)
        said = checked = time.monotonic()
        version = 0
        while True:
            await self._feed.changed(version, _KEEP_ALIVE / 3)
            version = self._feed.version
            if self._seat.is_lost:
                yield format_sse_event(retry=_REPLACED_RETRY_MS)
                yield passing(Passing.CLOSING, _REPLACED)
                return
            async for piece in self._told():
                said = time.monotonic()
                yield piece
            if self.is_over:
                return
            if time.monotonic() - checked > _RECHECK or self._right.stopping() or self._expired():
                checked = time.monotonic()
                reason = await self._reason_to_end()
                if reason is not None:
                    yield passing(Passing.CLOSING, reason)
                    return
            if time.monotonic() - said > _KEEP_ALIVE:
                said = time.monotonic()
                yield format_sse_event(comment="")

    @property
    def is_over(self) -> bool:
        """Whether all has been told that was asked for."""
        return False

    @abstractmethod
    def news(self, newest: T | None) -> AsyncIterator[bytes]:
        """What is to be told, now that this was seen."""

    def outage(self) -> str | None:
        """Why there is no news, in words."""
        return self._feed.outage

    async def _told(self) -> AsyncIterator[bytes]:
        newest, outage = self._feed.newest, self.outage()
        async for piece in self.news(newest):
            yield piece
        if outage is not None and outage != self._outage:
            yield passing(Passing.INTERRUPTED, NoticeTold(code="interrupted", detail=outage))
        self._outage = outage

    async def _reason_to_end(self) -> NoticeTold | None:
        if self._right.stopping():
            return NoticeTold(
                code="shutting_down", detail="This server is stopping. Connect again."
            )
        if self._expired():
            return NoticeTold(
                code="token_expired", detail="The token has expired. Log in, then connect again."
            )
        try:
            await finished(self._right.recheck())
        except (UnauthorizedError, ForbiddenError, NotFoundError) as error:
            return NoticeTold(code=error.code, detail=error.detail)
        except Exception:  # noqa: BLE001 - the database is away; the next look decides
            return None
        return None

    def _expired(self) -> bool:
        return datetime.now(UTC) >= self._right.expires_at


class Listener(Stream[RunView]):
    """Hears the runs of one charge point."""

    def __init__(
        self,
        followed: Followed[RunView],
        right: Right,
        *,
        position: Position | None,
        until_verdict: bool,
        since: Since,
    ) -> None:
        super().__init__(followed, right)
        self._teller = Teller(position=position, since=since)
        self._until_verdict = until_verdict

    @property
    def is_over(self) -> bool:
        """Whether the verdict was told that was waited for."""
        position = self._teller.position
        return self._until_verdict and position is not None and position.ended

    async def news(self, newest: RunView | None) -> AsyncIterator[bytes]:
        """What is new of the charge point's runs."""
        for piece in await self._teller.news(newest):
            yield piece


class EventStream(StreamingResponse):
    """The response that is a stream; a client that takes nothing for a minute is left."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        """Stream until either side ends it."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_PATIENCE):
                await send(message)

        with suppress(TimeoutError):
            await super().stream_response(send_in_time)
