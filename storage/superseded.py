"""Transactions that have ended though their end was never told: found, and ended by the engine.

A charge point that lost its end in a restart, or its stop on the way, would else be charging for
ever. Two things say that it is over: a later transaction on the same connector, and a connector
that is Available since; neither where it was told while several links spoke. The engine waits a
while before it believes them, since a stop may still be on its way; and a stop that comes later is
believed after all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.facts import TransactionFact
from domain.states import ConnectorStatus
from storage.billing_due import due_when_ended
from storage.clock import earlier
from storage.contest_marks import counts
from storage.fact_transactions import transaction_fact
from storage.meter_filing import file_after_stopped
from storage.tables import charge_points, connectors, meter_values, transactions

OVERTAKEN_FOR: Final = timedelta(minutes=2)
"""So long after the start of a later transaction the stop of the one before is waited for."""
FREE_FOR: Final = timedelta(minutes=5)
"""So long a connector is Available before its transaction is believed to be over: what a charge
point kept while it was offline comes after its status."""
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""So far at most: a process that is ten seconds off says that it is not ready."""
SUPERSEDED: Final = "superseded"
"""Stands where the charge point's own reason for a stop would."""

_later = transactions.alias("later")


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseded:
    """A transaction that is over, at the latest at ``ended_at`` by the charge point's clock."""

    transaction_id: int
    charge_point_id: str
    project_id: str
    ended_at: datetime
    ended: TransactionFact


async def overtaken(
    connection: AsyncConnection, *, now: datetime, after: int, limit: int
) -> Sequence[Superseded]:
    """Open transactions with a later one on their connector, in the order of their ids."""
    # By the moments: by their ids, PostgreSQL may walk through those of all others. The one after
    # may bear an earlier moment, of a node whose clock is behind, or of a clock that was set back.
    following = (
        select(_later.c.id)
        .where(_later.c.charge_point_id == transactions.c.charge_point_id)
        .where(_later.c.received_at >= earlier(transactions.c.received_at, _CLOCKS_DIFFER))
        .where(_later.c.connector_id == transactions.c.connector_id)
        .where(_later.c.id > transactions.c.id)
        .where(~_later.c.contested)
        .order_by(_later.c.received_at, _later.c.id)
        .limit(1)
        .correlate(transactions)
        .scalar_subquery()
    )
    after_it = transactions.alias("after_it")
    rows = await connection.execute(
        select(
            transactions,
            charge_points.c.project_id,
            after_it.c.started_at.label("over_at"),
        )
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .join(after_it, after_it.c.id == following)
        .where(*_is_open(after))
        .where(after_it.c.received_at < now - OVERTAKEN_FOR)
        .order_by(transactions.c.id)
        .limit(limit)
    )
    return [_superseded(row, row.over_at) for row in rows]


async def left(
    connection: AsyncConnection, *, now: datetime, after: int, limit: int
) -> Sequence[Superseded]:
    """Open transactions whose connector has been Available since, in the order of their ids.

    One of which a meter value came since goes on, whatever the status says.
    """
    metered = exists().where(
        meter_values.c.transaction_id == transactions.c.id,
        meter_values.c.received_at > connectors.c.at,
    )
    rows = await connection.execute(
        select(transactions, charge_points.c.project_id, connectors.c.at.label("free_at"))
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .join(
            connectors,
            (connectors.c.charge_point_id == transactions.c.charge_point_id)
            & (connectors.c.connector_id == transactions.c.connector_id),
        )
        .where(*_is_open(after))
        .where(connectors.c.status == ConnectorStatus.AVAILABLE)
        .where(counts(connectors))
        .where(connectors.c.at > transactions.c.received_at)
        .where(connectors.c.at < now - FREE_FOR)
        .where(~metered)
        .order_by(transactions.c.id)
        .limit(limit)
    )
    # The status has our time; what it is held against has the charge point's.
    return [
        _superseded(row, row.free_at + timedelta(seconds=row.start_ahead_s or 0)) for row in rows
    ]


async def supersede(connection: AsyncConnection, which: Superseded, *, at: datetime) -> bool:
    """End a transaction; False where it has ended meanwhile."""
    row = (
        await connection.execute(
            select(transactions).where(transactions.c.id == which.transaction_id).with_for_update()
        )
    ).one_or_none()
    if row is None or row.stopped_at is not None:
        return False
    await connection.execute(
        update(transactions)
        .where(transactions.c.id == which.transaction_id)
        .values(
            stopped_at=which.ended_at,
            stop_reason=SUPERSEDED,
            stop_received_at=at,
            stop_ahead_s=row.start_ahead_s,
            superseded=True,
            billing=due_when_ended(row),
        )
    )
    await file_after_stopped(connection, which.transaction_id, which.ended_at)
    return True


async def supersede_all(connection: AsyncConnection, charge_point_id: str, *, at: datetime) -> None:
    """End what a charge point has open that leaves its site: it will never tell of the end."""
    rows = await connection.execute(
        select(transactions, charge_points.c.project_id)
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .where(transactions.c.charge_point_id == charge_point_id)
        .where(*_is_open(0))
        .order_by(transactions.c.id)
    )
    for row in rows.all():
        over_at = at + timedelta(seconds=row.start_ahead_s or 0)  # by its own clock
        await supersede(connection, _superseded(row, over_at), at=at)


def _is_open(after: int) -> Sequence[Any]:
    # A test charge is its run's own matter: it is stopped, or alarmed about.
    return (
        transactions.c.stopped_at.is_(None),
        transactions.c.commissioning_id.is_(None),
        transactions.c.id > after,
    )


def _superseded(row: Row[Any], over_at: datetime) -> Superseded:
    ended_at = max(over_at, row.started_at)
    return Superseded(
        transaction_id=row.id,
        charge_point_id=row.charge_point_id,
        project_id=row.project_id,
        ended_at=ended_at,
        ended=replace(transaction_fact(row), stopped_at=ended_at, stop_reason=SUPERSEDED),
    )
