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
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.facts import TransactionFact
from domain.states import ConnectorStatus
from storage.billing_due import due_when_ended
from storage.clock import earlier
from storage.contest_marks import counts
from storage.fact_transactions import transaction_fact
from storage.meter_filing import file_after_stopped
from storage.models.charge_points import ChargePoint
from storage.models.facts import Connector
from storage.models.transactions import MeterValue, Transaction

OVERTAKEN_FOR: Final = timedelta(minutes=2)
"""So long after the start of a later transaction the stop of the one before is waited for."""
FREE_FOR: Final = timedelta(minutes=5)
"""So long a connector is Available before its transaction is believed to be over: what a charge
point kept while it was offline comes after its status."""
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""So far at most: a process that is ten seconds off says that it is not ready."""
SUPERSEDED: Final = "superseded"
"""Stands where the charge point's own reason for a stop would."""

_later = aliased(Transaction, name="later")


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseded:
    """A transaction that is over, at the latest at ``ended_at`` by the charge point's clock."""

    number: int
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
        select(col(_later.id))
        .where(col(_later.charge_point_id) == col(Transaction.charge_point_id))
        .where(
            col(_later.received_at) >= earlier(Transaction.__table__.c.received_at, _CLOCKS_DIFFER)
        )
        .where(col(_later.evse_id) == col(Transaction.evse_id))
        .where(col(_later.id) > col(Transaction.id))
        .where(~col(_later.contested))
        .order_by(col(_later.received_at), col(_later.id))
        .limit(1)
        .correlate(Transaction)
        .scalar_subquery()
    )
    after_it = aliased(Transaction, name="after_it")
    rows = await connection.execute(
        select(
            Transaction.__table__,
            col(ChargePoint.project_id),
            col(after_it.started_at).label("over_at"),
        )
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .join(after_it, col(after_it.id) == following)
        .where(*_is_open(after))
        .where(col(after_it.received_at) < now - OVERTAKEN_FOR)
        .order_by(col(Transaction.id))
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
        col(MeterValue.transaction_id) == col(Transaction.id),
        col(MeterValue.received_at) > col(Connector.at),
    )
    rows = await connection.execute(
        select(
            Transaction.__table__, col(ChargePoint.project_id), col(Connector.at).label("free_at")
        )
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .join(
            Connector,
            (col(Connector.charge_point_id) == col(Transaction.charge_point_id))
            & (col(Connector.evse_id) == col(Transaction.evse_id))
            & (col(Connector.connector_id) == col(Transaction.connector_id)),
        )
        .where(*_is_open(after))
        .where(col(Connector.status) == ConnectorStatus.AVAILABLE)
        .where(counts(Connector.__table__))
        .where(col(Connector.at) > col(Transaction.received_at))
        .where(col(Connector.at) < now - FREE_FOR)
        .where(~metered)
        .order_by(col(Transaction.id))
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
            select(Transaction.__table__)
            .where(col(Transaction.id) == which.number)
            .with_for_update()
        )
    ).one_or_none()
    if row is None or row.stopped_at is not None:
        return False
    await connection.execute(
        update(Transaction)
        .where(col(Transaction.id) == which.number)
        .values(
            stopped_at=which.ended_at,
            stop_reason=SUPERSEDED,
            stop_received_at=at,
            stop_ahead_s=row.start_ahead_s,
            superseded=True,
            billing=due_when_ended(row),
        )
    )
    await file_after_stopped(connection, which.number, which.ended_at)
    return True


async def supersede_all(connection: AsyncConnection, charge_point_id: str, *, at: datetime) -> None:
    """End what a charge point has open that leaves its site: it will never tell of the end."""
    rows = await connection.execute(
        select(Transaction.__table__, col(ChargePoint.project_id))
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .where(*_is_open(0))
        .order_by(col(Transaction.id))
    )
    for row in rows.all():
        over_at = at + timedelta(seconds=row.start_ahead_s or 0)  # by its own clock
        await supersede(connection, _superseded(row, over_at), at=at)


def _is_open(after: int) -> Sequence[Any]:
    # A test charge is its run's own matter: it is stopped, or alarmed about.
    return (
        col(Transaction.stopped_at).is_(None),
        col(Transaction.commissioning_id).is_(None),
        col(Transaction.id) > after,
    )


def _superseded(row: Row[Any], over_at: datetime) -> Superseded:
    ended_at = max(over_at, row.started_at)
    return Superseded(
        number=row.id,
        charge_point_id=row.charge_point_id,
        project_id=row.project_id,
        ended_at=ended_at,
        ended=replace(transaction_fact(row), stopped_at=ended_at, stop_reason=SUPERSEDED),
    )
