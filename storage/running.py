"""Sessions that run at the charge points of a site now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import charge_points, transactions


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningSession:
    """One transaction without an end; ``started_at`` by the charge point's own clock."""

    transaction_id: int
    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: datetime


async def running_sessions(
    connection: AsyncConnection, project_id: str, *, before: int | None, limit: int
) -> Sequence[RunningSession]:
    """Those of a project, newest first; test charges are none."""
    query = (
        select(transactions)
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .where(charge_points.c.project_id == project_id)
        .where(transactions.c.stopped_at.is_(None))
        .where(transactions.c.commissioning_id.is_(None))
    )
    if before is not None:
        query = query.where(transactions.c.id < before)
    rows = await connection.execute(query.order_by(transactions.c.id.desc()).limit(limit))
    return [
        RunningSession(
            transaction_id=row.id,
            charge_point_id=row.charge_point_id,
            connector_id=row.connector_id,
            id_tag=row.id_tag,
            started_at=row.started_at,
        )
        for row in rows
    ]
