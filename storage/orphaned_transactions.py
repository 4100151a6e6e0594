"""Transactions that go on without a run: of ended runs, and of charge points that leave."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.commissioning import OrphanedTransaction
from domain.states import RunStatus
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.run_tags import is_tag_of_the_run

_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
_LOOKED_AT: Final = 10
"""Newest runs of a charge point; transactions of older ones were stopped or raised an alarm."""


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
