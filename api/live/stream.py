"""One stream: what its listener has heard, what comes next, and when it ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.types import Message, Send

from api.live.feeds import Feed
from api.live.schemas import NoticeTold, Passing, WaitingTold, told
from domain.checks import RunView, Waiting
from domain.errors import ForbiddenError, NotFoundError, UnauthorizedError
from domain.progress import ProgressKind, progress

T = TypeVar("T")
_RETRY_MS: Final = 2000
_KEEP_ALIVE: Final = 15.0
_RECHECK: Final = 5.0
_PATIENCE: Final = 60.0
_VERDICT: Final = "verdict"
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far a listener has heard: a run, how many of its events, and whether its verdict."""

    run: str
    heard: int = 0
    ended: bool = False

    @classmethod
    def of(cls, event_id: str) -> "Position":
        """Read the id of the last event, ``com_…/7`` or ``com_…/verdict``."""
        run, _, place = event_id.partition("/")
        return cls(run=run, ended=True) if place == _VERDICT else cls(run=run, heard=int(place))

    @property
    def event_id(self) -> str:
        """The id of the event that was heard last."""
        return f"{self.run}/{_VERDICT if self.ended else self.heard}"


class Listener:
    """Composes the stream of one listener from the feed that it shares."""

    def __init__(
        self,
        feed: Feed,
        *,
        position: Position | None,
        until_verdict: bool,
        since: Callable[[str], Coroutine[Any, Any, Sequence[RunView]]],
        recheck: Callable[[], Coroutine[Any, Any, None]],
        expires_at: datetime,
        stopping: Callable[[], bool],
    ) -> None:
        self._feed = feed
        self._position = position
        self._until_verdict = until_verdict
        self._since = since
        self._recheck = recheck
        self._expires_at = expires_at
        self._stopping = stopping
        self._waiting: tuple[str, Waiting | None] = ("", None)
        self._outage: str | None = None

    async def listen(self) -> AsyncIterator[bytes]:
        """Give the stream, piece by piece, until there is a reason to end it."""
        yield format_sse_event(retry=_RETRY_MS)
        said = checked = time.monotonic()
        version = 0
        while True:
            await self._feed.changed(version, _KEEP_ALIVE / 3)
            version = self._feed.version
            async for piece in self._news():
                said = time.monotonic()
                yield piece
            if self._until_verdict and self._position is not None and self._position.ended:
                return
            if time.monotonic() - checked > _RECHECK or self._stopping() or self._expired():
                checked = time.monotonic()
                reason = await self._reason_to_end()
                if reason is not None:
                    yield _passing(Passing.CLOSING, reason)
                    return
            if time.monotonic() - said > _KEEP_ALIVE:
                said = time.monotonic()
                yield format_sse_event(comment="")

    async def _news(self) -> AsyncIterator[bytes]:
        newest, outage = self._feed.newest, self._feed.outage
        for view in await self._views(newest):
            for piece in self._of_run(view):
                yield piece
        if outage is not None and outage != self._outage:
            yield _passing(Passing.INTERRUPTED, NoticeTold(code="interrupted", detail=outage))
        self._outage = outage

    async def _views(self, newest: RunView | None) -> Sequence[RunView]:
        """The run that is being told, and those after it."""
        known = [] if newest is None else [newest]
        at = self._position
        if at is None or (newest is not None and newest.commissioning_id == at.run):
            return known
        if newest is None and at.ended:
            return []
        try:
            return await _finished(self._since(at.run)) or known
        except Exception as error:  # noqa: BLE001 - the database is away; the next look tells it
            _log.warning("stream_goes_on_later", error=repr(error)[:300])
            return []

    def _of_run(self, view: RunView) -> Sequence[bytes]:
        at = self._position
        if at is None or at.run != view.commissioning_id:
            at = Position(run=view.commissioning_id)
        if at.ended:
            return []
        pieces = []
        waiting = (view.commissioning_id, view.waiting)
        if view.waiting is None and self._waiting[1] is not None:
            pieces.append(_passing(Passing.WAITING, WaitingTold.of(view)))
        for number, event in enumerate(progress(view), start=1):
            ended = event.kind is ProgressKind.VERDICT
            if number <= at.heard and not ended:
                continue
            at = Position(run=at.run, heard=number, ended=ended)
            pieces.append(_numbered(event.kind, told(view, event), at))
        if view.waiting is not None and waiting != self._waiting:
            pieces.append(_passing(Passing.WAITING, WaitingTold.of(view)))
        self._waiting = waiting
        self._position = at
        return pieces

    async def _reason_to_end(self) -> NoticeTold | None:
        if self._stopping():
            return NoticeTold(
                code="shutting_down", detail="This server is stopping. Connect again."
            )
        if self._expired():
            return NoticeTold(
                code="token_expired", detail="The token has expired. Log in, then connect again."
            )
        try:
            await _finished(self._recheck())
        except (UnauthorizedError, ForbiddenError, NotFoundError) as error:
            return NoticeTold(code=error.code, detail=error.detail)
        except Exception:  # noqa: BLE001 - the database is away; the next look decides
            return None
        return None

    def _expired(self) -> bool:
        return datetime.now(UTC) >= self._expires_at


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


async def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Finish what holds a database connection, though the client may leave in the middle of it."""
    return await asyncio.shield(asyncio.create_task(work))


def _numbered(kind: ProgressKind, data: BaseModel, at: Position) -> bytes:
    return format_sse_event(event=kind, data_str=data.model_dump_json(), id=at.event_id)


def _passing(kind: Passing, data: BaseModel) -> bytes:
    return format_sse_event(event=kind, data_str=data.model_dump_json())
