"""Sessions that run at the charge points of a site now."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.models.charge_points import ChargePoint
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of


async def running_sessions(
    connection: AsyncConnection, project_id: str, *, before: int | None, limit: int
) -> Sequence[Transaction]:
    """Those of a project, newest first; test charges are none."""
    query = (
        select(Transaction.__table__)
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .where(col(ChargePoint.project_id) == project_id, col(Transaction.stopped_at).is_(None))
        .where(col(Transaction.commissioning_id).is_(None))
    )
    return await Rows(connection).read_newest(
        query, record_of(Transaction), key=col(Transaction.id), before=before, limit=limit
    )
