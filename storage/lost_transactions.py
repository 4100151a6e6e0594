"""Transactions that have ended though their end was never told, and those that outlast their run.

A charge point that lost its end in a restart, or its stop on the way, would else be charging for
ever. Two things say that it is over: a later transaction on the same connector, and a connector
that is Available since; neither where it was told while several links spoke. The engine waits a
while before it believes them, since a stop may still be on its way; and a stop that comes later is
believed after all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.commissioning import OrphanedTransaction
from domain.facts import TransactionFact
from domain.states import ConnectorStatus, RunStatus
from storage.clock import earlier
from storage.contest_marks import counts
from storage.meter_filing import file_after_stopped
from storage.models.charge_points import ChargePoint
from storage.models.facts import Connector
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.rows import Rows, record_of
from storage.run_queries import is_tag_of_the_run
from storage.transactions import transaction_fact
from storage.transactions_to_bill import due_when_ended

OVERTAKEN_FOR: Final = timedelta(minutes=2)
"""So long after the start of a later transaction the stop of the one before is waited for."""
FREE_FOR: Final = timedelta(minutes=5)
"""So long a connector is Available before its transaction is believed to be over: what a charge
point kept while it was offline comes after its status."""
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""So far at most: a process that is ten seconds off says that it is not ready."""
SUPERSEDED: Final = "superseded"
"""Stands where the charge point's own reason for a stop would."""

_transaction = record_of(Transaction)
_later = aliased(Transaction, name="later")
_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
_LOOKED_AT: Final = 10
"""Newest runs of a charge point; transactions of older ones were stopped or raised an alarm."""


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
    return [_superseded(_transaction(row), row.project_id, row.over_at) for row in rows]


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
        _superseded(
            _transaction(row),
            row.project_id,
            row.free_at + timedelta(seconds=row.start_ahead_s or 0),
        )
        for row in rows
    ]


async def supersede(connection: AsyncConnection, which: Superseded, *, at: datetime) -> bool:
    """End a transaction; False where it has ended meanwhile."""
    row = await Rows(connection).read(
        select(Transaction.__table__).where(col(Transaction.id) == which.number).with_for_update(),
        _transaction,
    )
    if row is None or row.stopped_at is not None:
        return False
    await (
        Rows(connection)
        .at(Transaction, which.number)
        .set(
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
        await supersede(connection, _superseded(_transaction(row), row.project_id, over_at), at=at)


def _is_open(after: int) -> Sequence[ColumnElement[bool]]:
    # A test charge is its run's own matter: it is stopped, or alarmed about.
    return (
        col(Transaction.stopped_at).is_(None),
        col(Transaction.commissioning_id).is_(None),
        col(Transaction.id) > after,
    )


def _superseded(row: Transaction, project_id: str, over_at: datetime) -> Superseded:
    ended_at = max(over_at, row.started_at)
    return Superseded(
        number=row.id,
        charge_point_id=row.charge_point_id,
        project_id=project_id,
        ended_at=ended_at,
        ended=replace(transaction_fact(row), stopped_at=ended_at, stop_reason=SUPERSEDED),
    )


async def left_running(
    connection: AsyncConnection, *, after: int, limit: int
) -> Sequence[tuple[int, OrphanedTransaction]]:
    """Return open transactions with the id tag of an ended run, by and in order of their numbers.

    Of a charge point that is to be withdrawn all are; of one that is, none: nobody can stop them.
    """
    newer = aliased(CommissioningRun, name="newer")
    oldest = (
        select(col(newer.id))
        .where(col(newer.charge_point_id) == col(Transaction.charge_point_id))
        .order_by(col(newer.id).desc())
        .offset(_LOOKED_AT - 1)
        .limit(1)
        .correlate(Transaction)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(
            col(Transaction.id),
            col(Transaction.ocpp_id),
            col(Transaction.charge_point_id),
            CommissioningRun.__table__.c.id.label("commissioning_id"),
        )
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .outerjoin(
            CommissioningRun,
            # The tag tells whose it is: a start told after the verdict belongs to no open run.
            (col(CommissioningRun.charge_point_id) == col(Transaction.charge_point_id))
            & (col(CommissioningRun.id) >= func.coalesce(oldest, ""))
            & is_tag_of_the_run(col(Transaction.id_tag)),
        )
        .where(col(Transaction.stopped_at).is_(None))
        .where(col(Transaction.id) > after)
        .where(col(ChargePoint.withdrawn_at).is_(None))
        .where(
            or_(
                col(CommissioningRun.status).in_(_ENDED),
                and_(col(ChargePoint.withdrawal).is_not(None), col(CommissioningRun.id).is_(None)),
            )
        )
        .order_by(col(Transaction.id))
        .limit(limit)
    )
    return [
        (
            row.id,
            OrphanedTransaction(
                charge_point_id=row.charge_point_id,
                commissioning_id=row.commissioning_id,
                transaction_id=row.ocpp_id,
            ),
        )
        for row in rows
    ]
