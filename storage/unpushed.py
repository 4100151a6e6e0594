"""Charge points that are there, and were not told the configuration that was chosen for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import ParameterState
from storage.connections import is_live
from storage.tables import charge_points, connections, parameters


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
        select(parameters.c.charge_point_id, func.max(parameters.c.updated_at).label("at"))
        .where(parameters.c.state == ParameterState.QUEUED)
        .group_by(parameters.c.charge_point_id)
        .subquery()
    )
    rows = await connection.execute(
        select(charge_points.c.id, queued.c.at, connections.c.connected_at)
        .join(queued, queued.c.charge_point_id == charge_points.c.id)
        .join(connections, connections.c.charge_point_id == charge_points.c.id)
        .where(charge_points.c.watched_by.is_(None))
        .where(charge_points.c.id > after)
        .where(queued.c.at < before)
        .where(connections.c.connected_at < before)
        .where(is_live())
        .order_by(charge_points.c.id)
        .limit(limit)
    )
    return [Unpushed(charge_point_id=row.id, since=max(row.at, row.connected_at)) for row in rows]
