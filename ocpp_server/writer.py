"""Group commit: all facts that wait are stored in one transaction, then their senders go on.

While a commit runs, the next batch gathers; so a batch grows with the load and a commit's price is
shared. When the database is away, facts wait (each charge point has one on its way, so there are
never many), and a sender that has waited too long is told so and answers InternalError.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog

from domain.states import LogLevel
from ocpp_server.charge_point_log import ChargePointLog
from ocpp_server.peer import Peer
from storage.engine import Database
from storage.fact_records import (
    Authorization,
    Connected,
    MeterValues,
    Record,
    Touched,
    TransactionStart,
    TransactionStop,
)
from storage.outages import Outage
from storage.store_facts import store_facts
from storage.write_errors import is_refused

_MAX_BATCH: Final = 2_000
_MAX_NOTES: Final = 20_000
_CROWD: Final = 20
_LINGER: Final = 0.01
_TOUCH_PERIOD: Final = 5.0
_PATIENCE: Final = 15.0
_FOR_EVER: Final = float("inf")
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_COMMIT_SECONDS: Final = 10.0  # a database that hangs is as good as away
# A charge point repeats these when it gets an error, so what waits may be thrown away. As for a
# connection, it must be: the socket is closed, and nobody would tell of its end.
_REPEATED_BY_CHARGER: Final = (
    Authorization,
    Connected,
    MeterValues,
    TransactionStart,
    TransactionStop,
)
_log = structlog.get_logger(__name__)


class NotStoredError(Exception):
    """The facts could not be stored; the charge point may repeat them."""


class Sender(Protocol):
    """One that waits for records to be stored; it is called back once, and never raises."""

    def stored(self, error: NotStoredError | None) -> None:
        """Hear that they are committed and their answers filled in, or why they are not."""
        ...


@dataclass(slots=True, eq=False)
class _Waiting:
    records: Sequence[Record]
    sender: Sender | None
    deadline: float


class _Future:
    """A sender for callers that can await."""

    def __init__(self) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stored(self, error: NotStoredError | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)


@dataclass(eq=False)
class Writer:
    """The one writer of a node. ``committed`` gets each batch right after its commit."""

    database: Database
    committed: Callable[[Sequence[Record]], None]
    lines: ChargePointLog = field(default_factory=ChargePointLog)
    _queue: list[_Waiting] = field(default_factory=list)
    _touched: dict[str, Touched] = field(default_factory=dict)
    _touches_due: float = 0.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: bool = False
    _dropped: int = 0
    _outage: Outage = field(default_factory=lambda: Outage("facts_wait_for_database", log=_log))

    async def store(self, record: Record) -> None:
        """Return once the record is committed and its answers are filled in.

        Raises:
            NotStoredError: it is refused by the database, or the database is away.

        """
        sender = _Future()
        self.put((record,), sender)
        await sender.future

    def put(self, records: Sequence[Record], sender: Sender) -> None:
        """Store records together and call the sender back, which has no others on their way."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        self._enqueue(_Waiting(records, sender, deadline))

    def note(self, record: Record) -> None:
        """Store a record that nobody waits for; dropped when far too many wait."""
        if len(self._queue) >= _MAX_NOTES:
            self._dropped += 1
            if self._dropped == 1:
                _log.error("notes_dropped", waiting=len(self._queue))
            return
        self._enqueue(_Waiting((record,), None, _FOR_EVER))

    def touch(self, peer: Peer, at: datetime, *, heartbeat: bool) -> None:
        """Note that a charge point was heard; written every few seconds, sooner when watched."""
        touched = self._touched.get(peer.charge_point_id)
        if touched is None or touched.generation != peer.generation:
            touched = Touched(
                charge_point_id=peer.charge_point_id,
                node_id=peer.node_id,
                generation=peer.generation,
                seen_at=at,
                written=peer.budget.written,
            )
            if not self._touched:
                self._touches_due = asyncio.get_running_loop().time() + _TOUCH_PERIOD
                self._wake.set()
            self._touched[peer.charge_point_id] = touched
        touched.seen_at = at
        if heartbeat:
            touched.heartbeat_at = at
            if peer.watched_by is not None and peer.watcher != peer.heartbeat_told_to:
                # Someone waits to hear of it.
                self._touches_due = 0.0
                self._wake.set()

    async def run(self) -> None:
        """Write until :meth:`close` is called and all that waited is written."""
        crowded = False
        while not (self._closing and not self._queue and not self._touched):
            await self._gather()
            if crowded and not self._closing:
                # Under load a moment's wait makes the next batch larger, and its rows cheaper.
                await asyncio.sleep(_LINGER)
            batch, self._queue = self._queue[:_MAX_BATCH], self._queue[_MAX_BATCH:]
            crowded = len(batch) > _CROWD
            # Touches go by themselves: see storage.row_locks.
            for part in (batch, self._take_touches()):
                if part:
                    await self._write(part)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closing = True
        self._wake.set()

    def _enqueue(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        if not self._wake.is_set():
            self._wake.set()

    async def _gather(self) -> None:
        """Wait until there is something to write."""
        if self._queue or self._closing:
            return
        self._wake.clear()
        pause = None
        if self._touched:
            pause = self._touches_due - asyncio.get_running_loop().time()
            if pause <= 0:
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    def _take_touches(self) -> list[_Waiting]:
        if asyncio.get_running_loop().time() < self._touches_due and not self._closing:
            return []
        keys = list(self._touched)[:_MAX_BATCH]
        return [_Waiting((self._touched.pop(key),), None, _FOR_EVER) for key in keys]

    async def _write(self, batch: list[_Waiting]) -> None:
        pause = _FIRST_PAUSE
        while batch:
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001 - the writer outlives every database error
                if is_refused(error):
                    batch = await self._write_singly(batch)
                    continue
                self._outage.failed(error, waiting=len(self._queue))
                batch = self._give_up_overdue(batch)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._outage.over()
                return

    async def _commit(self, batch: list[_Waiting]) -> None:
        records = [record for waiting in batch for record in waiting.records]
        async with asyncio.timeout(_COMMIT_SECONDS), self.database.write() as connection:
            await store_facts(connection, records)
        for waiting in batch:
            self._tell(waiting, None)
        self.committed(records)

    async def _write_singly(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Write messages one by one, as one is poison; returns those left if the database goes."""
        for place, waiting in enumerate(batch):
            try:
                await self._commit([waiting])
            except Exception as error:  # noqa: BLE001 - reported to the one whose fact it is
                if not is_refused(error):
                    return batch[place:]
                self.lines.tell(
                    "fact_not_stored",
                    waiting.records[0].charge_point_id or "",
                    level=LogLevel.ERROR,
                    kind=", ".join(type(record).__name__ for record in waiting.records),
                    error=repr(error)[:500],
                )
                self._refuse(waiting, "the database refused it")
        return []

    def _give_up_overdue(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Tell senders that waited too long; keep what their charge points will not repeat."""
        now = asyncio.get_running_loop().time()
        crowded = len(self._queue) > _MAX_NOTES

        def keep(waiting: _Waiting) -> bool:
            if now <= waiting.deadline:
                return True
            self._refuse(waiting, "the database is away")
            repeated = all(isinstance(one, _REPEATED_BY_CHARGER) for one in waiting.records)
            return not crowded and not repeated

        self._queue = [waiting for waiting in self._queue if keep(waiting)]
        return [waiting for waiting in batch if keep(waiting)]

    def _refuse(self, waiting: _Waiting, reason: str) -> None:
        self._tell(waiting, NotStoredError(reason))
        waiting.sender = None

    def _tell(self, waiting: _Waiting, error: NotStoredError | None) -> None:
        """Tell a sender; its exception is caught, or the committed batch would be written again."""
        if waiting.sender is None:
            return
        try:
            waiting.sender.stored(error)
        except Exception:  # noqa: BLE001 - logged with its trace
            self.lines.tell(
                "sender_failed",
                waiting.records[0].charge_point_id or "",
                level=LogLevel.ERROR,
                exc_info=True,
            )
