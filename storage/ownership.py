"""Which workflow owns a charge point: it alone speaks to it, and hears its events."""

from collections.abc import Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.commissioning import Released
from domain.states import ParameterState
from storage.parameters import Parameters
from storage.tables import charge_points


async def take(
    connection: AsyncConnection, charge_point_id: str, *, owner: str, run: str | None
) -> str | None:
    """Become the owner; returns who is it instead. ``run`` is whose log takes the frames."""
    taken = await connection.execute(
        update(charge_points)
        .where(charge_points.c.id == charge_point_id)
        .where(or_(charge_points.c.watched_by.is_(None), charge_points.c.watched_by == owner))
        .values(watched_by=owner, watched_run=run)
    )
    if taken.rowcount == 1:
        return None
    busy_with: str | None = await connection.scalar(
        select(charge_points.c.watched_by).where(charge_points.c.id == charge_point_id)
    )
    return busy_with


async def let_go(
    connection: AsyncConnection, charge_point_id: str, *, owner: str, restart_due: bool = False
) -> Released:
    """Give the charge point back, if it is still the owner's.

    ``restart_due``: it is to restart for its configuration when nobody charges any more.
    """
    await connection.execute(
        update(charge_points)
        .where(charge_points.c.id == charge_point_id)
        .where(charge_points.c.watched_by == owner)
        .values(watched_by=None, watched_run=None, restart_due=restart_due)
    )
    stored = await Parameters(connection).all(charge_point_id)
    return Released(
        configuration_queued=any(value.state is ParameterState.QUEUED for value in stored)
    )


async def owned(
    connection: AsyncConnection, *, after: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Charge points that have an owner, with it, in the order of their ids."""
    rows = await connection.execute(
        select(charge_points.c.id, charge_points.c.watched_by)
        .where(charge_points.c.watched_by.is_not(None))
        .where(charge_points.c.id > after)
        .order_by(charge_points.c.id)
        .limit(limit)
    )
    return [(row.id, row.watched_by) for row in rows]
