"""Which workflow owns a charge point: it alone speaks to it, and hears its events."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.ownership import Owner, Released
from domain.states import ParameterState
from storage.models.charge_points import ChargePoint
from storage.parameters import Parameters
from storage.rows import Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """A charge point that has an owner."""

    charge_point_id: str
    owner: Owner


async def take(
    connection: AsyncConnection, charge_point_id: str, *, owner: Owner, run: str | None
) -> str | None:
    """Become the owner; returns who is it instead. ``run`` is whose log takes the frames.

    Of one workflow id only one execution is open, so it takes over from those before it.
    """
    watched_by = col(ChargePoint.watched_by)
    taken = (
        await Rows(connection)
        .at(
            ChargePoint, charge_point_id, or_(watched_by.is_(None), watched_by == owner.workflow_id)
        )
        .set(watched_by=owner.workflow_id, watched_execution=owner.execution, watched_run=run)
    )
    if taken:
        return None
    return await connection.scalar(select(watched_by).where(col(ChargePoint.id) == charge_point_id))


async def let_go(
    connection: AsyncConnection, charge_point_id: str, *, owner: Owner, restart_due: bool = False
) -> Released:
    """Give the charge point back, if it is still that execution's.

    ``restart_due``: it is to restart for its configuration when nobody charges any more.
    """
    charge_point = Rows(connection).at(
        ChargePoint,
        charge_point_id,
        col(ChargePoint.watched_by) == owner.workflow_id,
        col(ChargePoint.watched_execution) == owner.execution,
    )
    await charge_point.set(
        watched_by=None, watched_execution=None, watched_run=None, restart_due=restart_due
    )
    stored = await Parameters(connection).all(charge_point_id)
    return Released(
        configuration_queued=any(value.state is ParameterState.QUEUED for value in stored)
    )


async def owned(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[Owned]:
    """Charge points that have an owner, in the order of their ids."""
    rows = await connection.execute(
        select(col(ChargePoint.id), col(ChargePoint.watched_by), col(ChargePoint.watched_execution))
        .where(col(ChargePoint.watched_by).is_not(None), col(ChargePoint.id) > after)
        .order_by(col(ChargePoint.id))
        .limit(limit)
    )
    return [
        Owned(
            charge_point_id=row.id,
            owner=Owner(workflow_id=row.watched_by, execution=row.watched_execution),
        )
        for row in rows
    ]
