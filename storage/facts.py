"""Facts of charge points: stored many at a time by a node, read by workflows' activities."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CompoundSelect, String, literal, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import BootFact, ConnectorFact, EventKind, Snapshot, StatusFact
from domain.names import site_workflow_id
from domain.states import ParameterState, ProjectStatus
from storage import connections as links
from storage.boots import boot_fact, store_boots
from storage.connection_attempts import last_refusal, store_attempts
from storage.contest_marks import clear_marks, counts
from storage.contests import read_confirmed
from storage.dialects import among, at_once, upsert
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
from storage.fact_transactions import (
    store_authorizations,
    store_starts,
    store_stops,
    transaction_fact,
)
from storage.irregularities import read_irregularities, store_oddities
from storage.log_entries import store_log, store_repeatable
from storage.meter_values import store_meter_values
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot as BootRow
from storage.models.facts import Connector
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.read_models import read_model
from storage.row_locks import lock_rows_of
from storage.suspensions import note_suspensions

_MOST_OF_A_RUN: Final = 50

connector_fact = read_model(ConnectorFact)


async def store(connection: AsyncConnection, records: Iterable[Record]) -> None:
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


async def _store_connectors(
    connection: AsyncConnection, records: Sequence[ConnectorStatus]
) -> None:
    newest = {(record.charge_point_id, record.fact.connector_id): record for record in records}
    await connection.execute(
        at_once(
            connection, upsert(connection, Connector, keys=("charge_point_id", "connector_id"))
        ),
        [
            {
                "charge_point_id": record.charge_point_id,
                "contested_link": record.contested,
                **asdict(record.fact),
            }
            # One order for all nodes: rows locked in different orders would deadlock.
            for _, record in sorted(newest.items())
        ],
    )
    await note_suspensions(connection, [one for one in records if one.contested is None])


async def _store_reports(connection: AsyncConnection, records: Sequence[StatusReport]) -> None:
    await store_repeatable(connection, [one.entry for one in records if one.logged])
    for record in records:
        if record.kind is EventKind.FIRMWARE_STATUS:
            await connection.execute(
                update(ChargePointConnection)
                .where(col(ChargePointConnection.charge_point_id) == record.charge_point_id)
                .values(firmware_status=record.status, firmware_status_at=record.at)
            )


_Store = Callable[[AsyncConnection, Any], Awaitable[None]]
_STORES: Final[tuple[tuple[type[Record], _Store], ...]] = (
    (RefusedConnection, store_attempts),
    (Connected, links.store_connected),
    (Boot, store_boots),
    (ConnectorStatus, _store_connectors),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """The workflows that hear the events of a charge point, and the run that logs its frames.

    ``owner`` is the workflow that owns it for the moment, ``site`` the one that shares the power of
    its site since the handover.
    """

    owner: str | None
    commissioning_id: str | None = None
    site: str | None = None


async def read_watches(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, Watch]:
    """Return the watches among these charge points."""
    handed_over = col(Project.status) == ProjectStatus.HANDED_OVER
    rows = await connection.execute(
        select(
            col(ChargePoint.id),
            col(ChargePoint.watched_by),
            col(ChargePoint.watched_run),
            col(ChargePoint.project_id),
            handed_over.label("handed_over"),
        )
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
        .where(or_(col(ChargePoint.watched_by).is_not(None), handed_over))
    )
    return {
        row.id: Watch(
            owner=row.watched_by,
            commissioning_id=row.watched_run,
            site=site_workflow_id(row.project_id) if row.handed_over else None,
        )
        for row in rows
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasions:
    """Charge points where something has just happened that configuration values may wait for."""

    online: Collection[str] = ()
    """Connected: queued values are pushed, and a restart that is pending is made."""
    booted: Collection[str] = ()
    """Restarted: values that waited for it are read back."""
    freed: Collection[str] = ()
    """A charge ended or a connector became free: a restart that waited for it is made."""


async def waiting_for(connection: AsyncConnection, occasions: Occasions) -> set[str]:
    """Return those whose configuration values waited for just that."""
    candidates = {*occasions.online, *occasions.booted, *occasions.freed}
    if not candidates:
        return set()
    rows = await connection.execute(
        select(col(Parameter.charge_point_id), col(Parameter.state), col(ChargePoint.restart_due))
        .join(ChargePoint, col(ChargePoint.id) == col(Parameter.charge_point_id))
        .where(among(connection, col(Parameter.charge_point_id), candidates))
        .where(col(Parameter.state).in_((ParameterState.QUEUED, ParameterState.PENDING_REBOOT)))
    )
    found = set()
    for row in rows:
        identity, pending = row.charge_point_id, row.state == ParameterState.PENDING_REBOOT
        if (
            identity in occasions.online
            or (pending and identity in occasions.booted)
            or (pending and row.restart_due and identity in occasions.freed)
        ):
            found.add(identity)
    return found


async def newest_boot(connection: AsyncConnection, charge_point_id: str) -> BootFact | None:
    """Return the newest boot; None when the charge point never booted."""
    row = (
        await connection.execute(
            select(BootRow.__table__)
            .where(col(BootRow.charge_point_id) == charge_point_id)
            .where(counts(BootRow.__table__))
            .order_by(col(BootRow.at).desc(), col(BootRow.id).desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else boot_fact(row)


async def read_snapshot(
    connection: AsyncConnection,
    charge_point_id: str,
    *,
    now: datetime,
    commissioning_id: str | None = None,
) -> Snapshot:
    """Return all that a run needs to know of a charge point; read after the watch began."""
    seen = (
        await connection.execute(
            select(
                col(ChargePointConnection.last_heartbeat_at),
                col(ChargePointConnection.firmware_status),
                col(ChargePointConnection.firmware_status_at),
            )
            .select_from(ChargePoint.__table__.outerjoin(ChargePointConnection))
            .where(col(ChargePoint.id) == charge_point_id)
        )
    ).one()
    statuses = await connection.execute(
        select(Connector.__table__)
        .where(col(Connector.charge_point_id) == charge_point_id)
        .where(counts(Connector.__table__))
        .order_by(col(Connector.connector_id))
    )
    running = await connection.execute(
        select(Transaction.__table__)
        .where(col(Transaction.id).in_(_of_interest(charge_point_id, commissioning_id)))
        .order_by(col(Transaction.id))
    )
    return Snapshot(
        connection=await links.read_connection(connection, charge_point_id, now=now),
        boot=await newest_boot(connection, charge_point_id),
        connectors=tuple(connector_fact(row) for row in statuses),
        transactions=tuple(transaction_fact(row) for row in running),
        last_heartbeat_at=seen.last_heartbeat_at,
        firmware_status=None
        if seen.firmware_status is None
        else StatusFact(status=seen.firmware_status, at=seen.firmware_status_at),
        last_refusal=await last_refusal(connection, charge_point_id),
        flapping=await links.read_flapping(connection, charge_point_id, now=now),
        contest=(await read_confirmed(connection, [charge_point_id])).get(charge_point_id),
        over_budget=await links.read_over_budget(connection, charge_point_id, now=now),
        irregularities=()
        if commissioning_id is None
        else await read_irregularities(connection, charge_point_id, commissioning_id),
    )


def _of_interest(charge_point_id: str, commissioning_id: str | None) -> CompoundSelect[int]:
    """Select the transactions that run, those of the run, and those that came since it began.

    Of those that came since, only the newest count: a queue may hold very many. Each part has an
    index of its own, which an OR over the parts would not use.
    """
    ids = select(col(Transaction.id)).where(col(Transaction.charge_point_id) == charge_point_id)
    began = select(col(CommissioningRun.started_at)).where(
        col(CommissioningRun.id) == literal(commissioning_id, String)
    )
    newest = (
        select(col(Transaction.id), col(Transaction.received_at))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .order_by(col(Transaction.received_at).desc())
        .limit(_MOST_OF_A_RUN)
        .subquery()
    )
    return union(
        ids.where(col(Transaction.stopped_at).is_(None)),
        # "= NULL" is never true: without a run, only those that are open
        ids.where(col(Transaction.commissioning_id) == literal(commissioning_id, String)),
        select(newest.c.id).where(newest.c.received_at >= began.scalar_subquery()),
    )
