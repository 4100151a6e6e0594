"""Stores what charge points told: many facts at a time, each kind as its own module does."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.facts import EventKind
from storage import connections as links
from storage.boots import store_boots
from storage.connection_attempts import store_attempts
from storage.connectors import store_connectors
from storage.contest_marks import clear_marks
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
    StatusReport,
    Touched,
    TransactionStart,
    TransactionStop,
)
from storage.irregularities import store_oddities
from storage.log import store_log, store_repeatable
from storage.meter_values import store_meter_values
from storage.models.connections import ChargePointConnection
from storage.row_locks import lock_rows_of
from storage.rows import Rows
from storage.store_transactions import (
    store_authorizations,
    store_starts,
    store_stops,
)


async def store_facts(connection: AsyncConnection, records: Iterable[Record]) -> None:
    """Store a batch, kind by kind, and fill in what each record asks for.

    A charge point has at most one message in a batch, so that the kinds may be regrouped; a
    transaction's start still goes before everything that may refer to it.
    """
    batch = list(records)
    await lock_rows_of(connection, batch)
    kinds: defaultdict[type[Record], list[Any]] = defaultdict(list)
    late = await clear_marks(connection, batch)
    for record in batch:
        if record not in late:
            kinds[type(record)].append(record)
    for kind, write in _STORES:
        if kind in kinds:
            await write(connection, kinds[kind])


async def _store_reports(connection: AsyncConnection, records: Sequence[StatusReport]) -> None:
    await store_repeatable(connection, [one.entry for one in records if one.logged])
    for record in records:
        if record.kind is EventKind.FIRMWARE_STATUS:
            link = Rows(connection).at(ChargePointConnection, record.charge_point_id)
            await link.set(firmware_status=record.status, firmware_status_at=record.at)


_Store = Callable[[AsyncConnection, Any], Awaitable[None]]
_STORES: Final[tuple[tuple[type[Record], _Store], ...]] = (
    (RefusedConnection, store_attempts),
    (Connected, links.store_connected),
    (Boot, store_boots),
    (ConnectorStatus, store_connectors),
    (Authorization, store_authorizations),
    (TransactionStart, store_starts),
    (TransactionStop, store_stops),
    (MeterValues, store_meter_values),
    (StatusReport, _store_reports),
    (Oddity, store_oddities),
    (LogEntry, store_log),
    (Touched, links.store_touched),
    (Disconnected, links.store_disconnected),
)
