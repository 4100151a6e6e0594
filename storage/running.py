"""Sessions that run at the charge points of a site now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.places import number_of
from storage.models.charge_points import ChargePoint
from storage.models.transactions import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningSession:
    """One transaction without an end; ``started_at`` by the charge point's own clock."""

    transaction_id: str
    number: int
    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: datetime


async def running_sessions(
    connection: AsyncConnection, project_id: str, *, before: int | None, limit: int
) -> Sequence[RunningSession]:
    """Those of a project, newest first; test charges are none."""
    query = (
        select(Transaction.__table__)
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .where(col(ChargePoint.project_id) == project_id)
        .where(col(Transaction.stopped_at).is_(None))
        .where(col(Transaction.commissioning_id).is_(None))
    )
    if before is not None:
        query = query.where(col(Transaction.id) < before)
    rows = await connection.execute(query.order_by(col(Transaction.id).desc()).limit(limit))
    return [
        RunningSession(
            transaction_id=row.ocpp_id,
            number=row.id,
            charge_point_id=row.charge_point_id,
            connector_id=number_of(row.evse_id),
            id_tag=row.id_tag,
            started_at=row.started_at,
        )
        for row in rows
    ]
