"""Tells workflows of committed facts: those that watch, in order, and billing of what is due.

The read comes after the commit. A workflow begins to watch by committing its name and then reading
the snapshot, so a fact is in that snapshot, or its event is forwarded, or both.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import structlog

from domain.billing.messages import BillTransaction
from domain.facts import ChargePointEvent
from domain.rules.restart import is_free
from domain.states import RegistrationStatus
from ocpp_server.events import event_of
from ocpp_server.registry import Registry
from storage.engine import Database
from storage.fact_records import (
    Authorization,
    Boot,
    Connected,
    ConnectorStatus,
    Disconnected,
    LogEntry,
    MeterValues,
    Oddity,
    Record,
    RefusedConnection,
    Told,
    Touched,
    TransactionStart,
    TransactionStop,
)
from storage.outages import Outage
from storage.snapshots import Watch, read_watches
from storage.transactions import runs_of_tests
from storage.waiting_configuration import Occasions, waiting_for

_MAX_PENDING: Final = 50_000
_GATHER: Final = 0.05
_GATHER_FEW: Final = 0.015  # somebody may be waiting for just these
_FEW: Final = 20
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_SILENT: Final = (RefusedConnection, Authorization, LogEntry, Oddity)
# These decide who may draw how much.
_OF_A_SITE: Final = (
    Boot,
    Connected,
    ConnectorStatus,
    Disconnected,
    TransactionStart,
    TransactionStop,
)
_log = structlog.get_logger(__name__)


class EventSink(Protocol):
    """Delivers events to watching workflows, in order for each of them, without blocking."""

    def deliver(self, workflow_id: str, event: ChargePointEvent) -> None:
        """Take an event for a workflow; never raises."""
        ...

    def configure(self, charge_point_id: str) -> None:
        """Have the configuration of a charge point pushed, and applied; never raises."""
        ...

    def bill(self, due: BillTransaction) -> None:
        """Have a transaction that is due billed; never raises."""
        ...


class Forwarder:
    """Finds the watchers of committed facts; also keeps the sessions' view of them fresh."""

    def __init__(self, database: Database, registry: Registry, sink: EventSink) -> None:
        self._database = database
        self._registry = registry
        self._sink = sink
        self._pending: list[Record] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._outage = Outage("watches_not_read", log=_log)

    def committed(self, records: Sequence[Record]) -> None:
        """Take a batch that was just committed."""
        for due in _transactions_to_bill(records):
            self._sink.bill(due)
        told = [
            record
            for record in records
            if not isinstance(record, _SILENT) and not _is_contested(record)
        ]
        if told:
            self._pending += told
            self._keep(self._pending)
            self._wake.set()

    def close(self) -> None:
        """Forward what waits, then stop."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Forward until :meth:`close`; when the database is away, events wait."""
        pause = _FIRST_PAUSE
        while not self._closing or self._pending:
            if not self._pending:
                self._wake.clear()
                await self._wake.wait()
                # One read, and one signal, for what several commits bring.
                few = len(self._pending) <= _FEW
                await asyncio.sleep(_GATHER_FEW if few else _GATHER)
                continue
            batch, self._pending = self._pending, []
            try:
                await self._forward(batch)
                pause = _FIRST_PAUSE
                self._outage.over()
            except Exception as error:  # noqa: BLE001 - events outlive every database error
                self._outage.failed(error, waiting=len(batch))
                if self._closing:
                    return
                self._keep([*batch, *self._pending])
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _keep(self, records: list[Record]) -> None:
        if len(records) > _MAX_PENDING:
            _log.error("events_dropped", count=len(records) - _MAX_PENDING)
            records = records[-_MAX_PENDING:]
        self._pending = records

    async def _forward(self, batch: Sequence[Record]) -> None:
        charge_points = {record.charge_point_id or "" for record in batch}
        async with self._database.read() as connection:
            watches = await read_watches(connection, charge_points)
            owned = {identity for identity, watch in watches.items() if watch.owner is not None}
            free = [record for record in batch if record.charge_point_id not in owned]
            due = await waiting_for(connection, _occasions(free))
            tests = await runs_of_tests(connection, _metered(batch, watches))
        self._registry.refresh_watches(charge_points, watches)
        for charge_point_id in due:
            self._sink.configure(charge_point_id)
        if not watches:
            return
        for record in batch:
            watch = watches.get(record.charge_point_id or "")
            if watch is None:
                continue
            told: dict[str, str | None] = {}
            if watch.owner is not None and self._worth_telling(record, watch, tests):
                told[watch.owner] = watch.commissioning_id
            if watch.site is not None and isinstance(record, _OF_A_SITE):
                told[watch.site] = None
            event = event_of(record) if told else None
            if event is not None:
                for workflow_id, run in told.items():
                    self._sink.deliver(workflow_id, replace(event, commissioning_id=run))

    def _worth_telling(self, record: Record, watch: Watch, tests: Mapping[int, str]) -> bool:
        """Tell whether to signal a fact; most meter values and heartbeats are not.

        A signal for each would fill the history of a run that waits for a day.
        """
        if isinstance(record, MeterValues):
            run = watch.commissioning_id
            return run is not None and any(tests.get(of) == run for of in _numbers(record))
        return not isinstance(record, Touched) or self._first_heartbeat(record, watch)

    def _first_heartbeat(self, record: Touched, watch: Watch) -> bool:
        """Tell whether it is the first that this owner hears, or the first after a boot."""
        if record.heartbeat_at is None:
            return False
        session = self._registry.get(record.charge_point_id)
        if session is None or session.peer.generation != record.generation:
            return False
        watcher = watch.owner, watch.commissioning_id
        first = session.peer.heartbeat_told_to != watcher
        session.peer.heartbeat_told_to = watcher
        return first


def _metered(batch: Sequence[Record], watches: Mapping[str, Watch]) -> set[int]:
    """Return the numbers of the transactions of meter values that a run may wait for."""
    return {
        number
        for record in batch
        if isinstance(record, MeterValues)
        and (watch := watches.get(record.charge_point_id)) is not None
        and watch.commissioning_id is not None
        for number in _numbers(record)
    }


def _numbers(record: MeterValues) -> set[int]:
    numbers = {record.number, *(entry.number for entry in record.entries)}
    return {number for number in numbers if number is not None}


def _occasions(batch: Sequence[Record]) -> Occasions:
    online, booted, freed = set[str](), set[str](), set[str]()
    for record in batch:
        match record:
            case Connected() if record.generation and record.contest is None:
                online.add(record.charge_point_id)
            # In Pending it boots anew all the time, and a connection tells of a restart.
            case Boot() if record.fact.registration is RegistrationStatus.ACCEPTED:
                booted.add(record.charge_point_id)
            case TransactionStop():
                freed.add(record.charge_point_id)
            case ConnectorStatus() if is_free(record.fact.status):
                freed.add(record.charge_point_id)
            case _:
                pass
    return Occasions(online=online, booted=booted, freed=freed)


def _is_contested(record: Record) -> bool:
    """Tell whether a fact came on one of several links: nobody acts on it then."""
    return isinstance(record, Told) and record.contested is not None


def _transactions_to_bill(records: Sequence[Record]) -> Iterator[BillTransaction]:
    """Return the transactions that these facts make due for billing."""
    for record in records:
        if isinstance(record, TransactionStop | MeterValues) and record.contested is None:
            for identity in record.billing_due:
                yield BillTransaction(
                    charge_point_id=record.charge_point_id, transaction_id=identity
                )
