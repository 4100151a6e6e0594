"""What the engine does by itself: rounds of the reconciler and the dispatcher, and retention."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.heartbeats import beating
from domain.names import WORKER_STOPS
from domain.ports import Rounds
from domain.retention import LetGo
from domain.upkeep import Turn, TurnDone

if TYPE_CHECKING:
    from storage.retention.rounds import StoredRetention

_BEAT: Final = timedelta(seconds=2)
_RETENTION_AT_MOST: Final = timedelta(seconds=30)


class UpkeepActivities:
    """Work that any worker can do, and one of them does."""

    def __init__(self, *, reconciler: Rounds, dispatcher: Rounds) -> None:
        self._reconciler = reconciler
        self._dispatcher = dispatcher

    @activity.defn
    async def reconcile(self, turn: Turn) -> TurnDone:
        """Bring rows and workflows together for a turn."""
        return await _take(turn, self._reconciler)

    @activity.defn
    async def dispatch(self, turn: Turn) -> TurnDone:
        """Send what waits in the outboxes for a turn."""
        return await _take(turn, self._dispatcher)


async def _take(turn: Turn, rounds: Rounds) -> TurnDone:
    clock = asyncio.get_running_loop().time
    until, done = clock() + turn.lasts.total_seconds(), 0
    stopped = ApplicationError(  # another worker goes on at once
        "This worker stops.", type=WORKER_STOPS, category=ApplicationErrorCategory.BENIGN
    )
    async with beating(_BEAT, stopped=stopped):
        while done == 0 or clock() < until:
            rest = await rounds.go_round()
            done += 1
            await asyncio.sleep(min(rest.total_seconds(), max(until - clock(), 0)))
    return TurnDone(rounds=done)


class RetentionActivities:
    """Lets go of what is old."""

    def __init__(self, retention: "StoredRetention") -> None:
        self._retention = retention

    @activity.defn
    async def let_go(self) -> LetGo:
        """Go on for half a minute, where the last one has stopped; a repeat does no harm."""
        return await self._retention.go_on(at_most=_RETENTION_AT_MOST, alive=activity.heartbeat)
