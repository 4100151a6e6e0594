"""Telling the runs of one charge point: what its listener has heard, and what comes next."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from api.live.schemas import Passing, WaitingTold, told
from domain.checks import RunView, Waiting
from domain.progress import ProgressKind, progress

T = TypeVar("T")
Since = Callable[[str], Coroutine[Any, Any, Sequence[RunView]]]
"""Gives a run and those after it, oldest first."""

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


class Teller:
    """Tells a charge point's runs, each event once; ``event_id`` names the one just told."""

    def __init__(
        self, *, position: Position | None, since: Since, event_id: Callable[[], str] | None = None
    ) -> None:
        self.position = position
        self._since = since
        self._event_id = event_id or self._own_id
        self._waiting: tuple[str, Waiting | None] = ("", None)

    async def news(self, newest: RunView | None) -> Sequence[bytes]:
        """What is to be told, now that this is the newest run."""
        return [piece for view in await self._views(newest) for piece in self._of_run(view)]

    async def _views(self, newest: RunView | None) -> Sequence[RunView]:
        """The run that is being told, and those after it."""
        known = [] if newest is None else [newest]
        at = self.position
        if at is None or (newest is not None and newest.commissioning_id == at.run):
            return known
        if newest is None and at.ended:
            return []
        try:
            return await finished(self._since(at.run)) or known
        except Exception as error:  # noqa: BLE001 - the database is away; the next look tells it
            _log.warning("stream_goes_on_later", error=repr(error)[:300])
            return []

    def _of_run(self, view: RunView) -> Sequence[bytes]:
        at = self.position
        if at is None or at.run != view.commissioning_id:
            at = Position(run=view.commissioning_id)
        if at.ended:
            return []
        pieces = []
        waiting = (view.commissioning_id, view.waiting)
        if view.waiting is None and self._waiting[1] is not None:
            pieces.append(passing(Passing.WAITING, WaitingTold.of(view)))
        for number, event in enumerate(progress(view), start=1):
            ended = event.kind is ProgressKind.VERDICT
            if number <= at.heard and not ended:
                continue
            at = self.position = Position(run=at.run, heard=number, ended=ended)
            pieces.append(_numbered(event.kind, told(view, event), self._event_id()))
        if view.waiting is not None and waiting != self._waiting:
            pieces.append(passing(Passing.WAITING, WaitingTold.of(view)))
        self._waiting = waiting
        self.position = at
        return pieces

    def _own_id(self) -> str:
        assert self.position is not None  # noqa: S101 - something was told
        return self.position.event_id


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Finish what holds a database connection, though the client may leave in the middle of it."""
    return await asyncio.shield(asyncio.create_task(work))


def passing(kind: Passing, data: BaseModel) -> bytes:
    """Write down what is true for the moment only."""
    return format_sse_event(event=kind, data_str=data.model_dump_json())


def _numbered(kind: ProgressKind, data: BaseModel, event_id: str) -> bytes:
    return format_sse_event(event=kind, data_str=data.model_dump_json(), id=event_id)
