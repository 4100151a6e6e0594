"""Transactions that go on though nobody wants them to: of ended runs, and of what is withdrawn."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.commissioning import StrayTransaction
from domain.states import RunStatus
from storage.run_tags import is_tag_of_the_run
from storage.tables import charge_points, commissioning_runs, transactions

_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
_LOOKED_AT: Final = 10
"""Newest runs of a charge point: what one before them began was stopped, or alarmed about."""


async def left_running(
    connection: AsyncConnection, *, after: int, limit: int
) -> Sequence[StrayTransaction]:
    """Open transactions with the id tag of an ended run, in the order of their ids.

    Of a charge point that is to be withdrawn all are; of one that is, none: nobody can stop them.
    """
    newer = commissioning_runs.alias("newer")
    oldest = (
        select(newer.c.id)
        .where(newer.c.charge_point_id == transactions.c.charge_point_id)
        .order_by(newer.c.id.desc())
        .offset(_LOOKED_AT - 1)
        .limit(1)
        .correlate(transactions)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(
            transactions.c.id,
            transactions.c.charge_point_id,
            commissioning_runs.c.id.label("commissioning_id"),
        )
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .outerjoin(
            commissioning_runs,
            # The tag tells whose it is: a start told after the verdict belongs to no open run.
            (commissioning_runs.c.charge_point_id == transactions.c.charge_point_id)
            & (commissioning_runs.c.id >= func.coalesce(oldest, ""))
            & is_tag_of_the_run(transactions.c.id_tag),
        )
        .where(transactions.c.stopped_at.is_(None))
        .where(transactions.c.id > after)
        .where(charge_points.c.withdrawn_at.is_(None))
        .where(
            or_(
                commissioning_runs.c.status.in_(_ENDED),
                and_(charge_points.c.withdrawal.is_not(None), commissioning_runs.c.id.is_(None)),
            )
        )
        .order_by(transactions.c.id)
        .limit(limit)
    )
    return [
        StrayTransaction(
            charge_point_id=row.charge_point_id,
            commissioning_id=row.commissioning_id,
            transaction_id=row.id,
        )
        for row in rows
    ]
