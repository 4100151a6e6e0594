"""Charge points that are there, and were not told the configuration that was chosen for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import ParameterState
from storage.connections import is_live
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.connections import ChargePointConnection


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpushed:
    """``since``: a push that was started later has tried, and is not tried again."""

    charge_point_id: str
    since: datetime


async def unpushed(
    connection: AsyncConnection, *, before: datetime, after: str, limit: int
) -> Sequence[Unpushed]:
    """Connected ones without an owner whose values wait since ``before``, in order of their ids."""
    queued = (
        select(col(Parameter.charge_point_id), func.max(col(Parameter.updated_at)).label("at"))
        .where(col(Parameter.state) == ParameterState.QUEUED)
        .group_by(col(Parameter.charge_point_id))
        .subquery()
    )
    rows = await connection.execute(
        select(col(ChargePoint.id), queued.c.at, col(ChargePointConnection.connected_at))
        .join(queued, queued.c.charge_point_id == col(ChargePoint.id))
        .join(
            ChargePointConnection, col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)
        )
        .where(col(ChargePoint.watched_by).is_(None), col(ChargePoint.id) > after)
        .where(queued.c.at < before, col(ChargePointConnection.connected_at) < before, is_live())
        .order_by(col(ChargePoint.id))
        .limit(limit)
    )
    return [Unpushed(charge_point_id=row.id, since=max(row.at, row.connected_at)) for row in rows]
