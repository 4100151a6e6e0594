"""Test transactions that go on though their run has ended."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.commissioning import StrayTransaction
from domain.states import RunStatus
from storage.tables import commissioning_runs, transactions

_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


async def left_running(
    connection: AsyncConnection, *, after: int, limit: int
) -> Sequence[StrayTransaction]:
    """Open transactions with the id tag of an ended run, in the order of their ids."""
    rows = await connection.execute(
        select(
            transactions.c.id,
            transactions.c.charge_point_id,
            commissioning_runs.c.id.label("commissioning_id"),
        )
        .join(
            commissioning_runs,
            # The tag tells whose it is: a start told after the verdict belongs to no open run.
            (commissioning_runs.c.charge_point_id == transactions.c.charge_point_id)
            & (commissioning_runs.c.id_tag == transactions.c.id_tag),
        )
        .where(transactions.c.stopped_at.is_(None))
        .where(transactions.c.id > after)
        .where(commissioning_runs.c.status.in_(_ENDED))
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
