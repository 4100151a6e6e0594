"""Group commit: whatever facts wait are stored in one transaction, then their senders go on.

While a commit runs, the next batch gathers; so a batch grows with the load and a commit's price is
shared. When the database is away, facts wait, the sockets stop being read (backpressure), and a
sender that has waited too long is told so and answers InternalError.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from ocpp_server.peer import Peer
from storage import facts
from storage.engine import Database
from storage.fact_records import (
    Authorization,
    MeterValues,
    Record,
    Touched,
    TransactionStart,
    TransactionStop,
)

_MAX_BATCH: Final = 2_000
_MAX_WAITING: Final = 5_000
_MAX_NOTES: Final = 20_000
_CROWD: Final = 20
_LINGER: Final = 0.005
_TOUCH_PERIOD: Final = 5.0
_PATIENCE: Final = 15.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_TRIES_BEFORE_DOUBT: Final = 3
# A charge point repeats these when it gets an error, so what waits may be thrown away.
_REPEATED_BY_CHARGER: Final = (Authorization, MeterValues, TransactionStart, TransactionStop)
_log = structlog.get_logger(__name__)


class NotStoredError(Exception):
    """The fact could not be stored; the charge point may repeat it."""


@dataclass(slots=True, eq=False)
class _Waiting:
    record: Record
    stored: asyncio.Future[None] | None
    deadline: float


class Writer:
    """The one writer of a node. ``committed`` gets each batch right after its commit."""

    def __init__(self, database: Database, committed: Callable[[Sequence[Record]], None]) -> None:
        self._database = database
        self._committed = committed
        self._queue: list[_Waiting] = []
        self._touched: dict[str, Touched] = {}
        self._touches_due = 0.0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._dropped = 0

    async def store(self, record: Record) -> None:
        """Return once the record is committed and its answers are filled in.

        Raises:
            NotStoredError: it is refused by the database, or the database is away.

        """
        while not self._room.is_set():
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._room.wait()
            except TimeoutError:
                raise NotStoredError("too many facts wait for the database") from None
        loop = asyncio.get_running_loop()
        stored = loop.create_future()
        self._enqueue(_Waiting(record, stored, loop.time() + _PATIENCE))
        await stored

    def note(self, record: Record) -> None:
        """Store a record that nobody waits for; dropped when far too many wait."""
        if len(self._queue) >= _MAX_NOTES:
            self._dropped += 1
            if self._dropped == 1:
                _log.error("notes_dropped", waiting=len(self._queue))
            return
        self._enqueue(_Waiting(record, None, float("inf")))

    def touch(self, peer: Peer, at: datetime, *, heartbeat: bool) -> None:
        """Note that a charge point was heard; written every few seconds, sooner when watched."""
        touched = self._touched.get(peer.charge_point_id)
        if touched is None or touched.generation != peer.generation:
            touched = Touched(
                charge_point_id=peer.charge_point_id,
                node_id=peer.node_id,
                generation=peer.generation,
                seen_at=at,
            )
            if not self._touched:
                self._touches_due = asyncio.get_running_loop().time() + _TOUCH_PERIOD
                self._wake.set()
            self._touched[peer.charge_point_id] = touched
        touched.seen_at = at
        if heartbeat:
            touched.heartbeat_at = at
            if peer.watched_by != peer.heartbeat_told_to:  # someone waits to hear of it
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
            batch = self._take()
            crowded = len(batch) > _CROWD
            if batch:
                await self._write(batch)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closing = True
        self._wake.set()

    def _enqueue(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        if len(self._queue) >= _MAX_WAITING:
            self._room.clear()
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

    def _take(self) -> list[_Waiting]:
        batch, self._queue = self._queue[:_MAX_BATCH], self._queue[_MAX_BATCH:]
        if len(self._queue) < _MAX_WAITING:
            self._room.set()
        now = asyncio.get_running_loop().time()
        if self._touched and (now >= self._touches_due or self._closing):
            for key in list(self._touched)[:_MAX_BATCH]:
                batch.append(_Waiting(self._touched.pop(key), None, float("inf")))
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        pause, tries = _FIRST_PAUSE, 0
        while batch:
            try:
                await self._commit(batch)
            except (IntegrityError, DataError):
                await self._write_singly(batch)
            except Exception as error:  # noqa: BLE001 - the writer outlives every database error
                tries += 1
                if tries >= _TRIES_BEFORE_DOUBT and await self._database_answers():
                    await self._write_singly(batch)
                    return
                _log.warning("database_away", waiting=len(self._queue), error=str(error)[:300])
                batch = self._give_up_overdue(batch)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            return

    async def _commit(self, batch: list[_Waiting]) -> None:
        records = [waiting.record for waiting in batch]
        async with self._database.write() as connection:
            await facts.store(connection, records)
        for waiting in batch:
            if waiting.stored is not None and not waiting.stored.done():
                waiting.stored.set_result(None)
        self._committed(records)

    async def _write_singly(self, batch: list[_Waiting]) -> None:
        """One fact of the batch is poison: the others must not suffer for it."""
        for waiting in batch:
            try:
                await self._commit([waiting])
            except Exception as error:  # noqa: BLE001 - reported to the one whose fact it is
                _log.error(
                    "fact_not_stored",
                    kind=type(waiting.record).__name__,
                    charge_point_id=getattr(waiting.record, "charge_point_id", None),
                    error=str(error)[:500],
                )
                self._refuse(waiting, "the database refused it")

    async def _database_answers(self) -> bool:
        try:
            async with self._database.read() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception:  # noqa: BLE001 - the question is whether it fails
            return False
        return True

    def _give_up_overdue(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Tell senders that waited too long; keep what their charge points will not repeat."""
        now = asyncio.get_running_loop().time()
        kept: list[list[_Waiting]] = []
        for items in (batch, self._queue):
            keep = []
            for waiting in items:
                overdue = now > waiting.deadline
                if overdue:
                    self._refuse(waiting, "the database is away")
                if not (overdue and isinstance(waiting.record, _REPEATED_BY_CHARGER)):
                    keep.append(waiting)
            kept.append(keep)
        self._queue = kept[1]
        return kept[0]

    @staticmethod
    def _refuse(waiting: _Waiting, reason: str) -> None:
        if waiting.stored is not None and not waiting.stored.done():
            waiting.stored.set_exception(NotStoredError(reason))
