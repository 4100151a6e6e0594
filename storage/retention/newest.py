"""Of some kinds the newest of each charge point stay, however old, and the others go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.retention.step import ROWS, Step, remove
from storage.rows import Rows

_CHARGE_POINTS: Final = 50


async def keep_newest(
    connection: AsyncConnection,
    position: str,
    *,
    table: Table,
    which: ColumnElement[bool],
    keep: int,
) -> Step:
    """Let go of such rows of some charge points but the newest.

    Those of which not all went are looked at again.
    """
    identities = await Rows(connection).values(
        select(col(ChargePoint.id))
        .where(col(ChargePoint.id) > position)
        .order_by(col(ChargePoint.id))
        .limit(_CHARGE_POINTS)
    )
    if not identities:
        return Step(position="", is_last=True)
    surplus = await _surplus(connection, identities, table, which, keep=keep)
    gone = 0
    for identity, newest in surplus:
        room = ROWS - gone
        found = await connection.scalars(
            select(table.c.id)
            .where(table.c.charge_point_id == identity, which, table.c.at <= newest)
            .order_by(table.c.at, table.c.id)
            .limit(room)
        )
        gone += (removed := await remove(connection, table, list(found)))
        if removed == room:
            return Step(position=position, gone=gone)
    is_last = len(identities) < _CHARGE_POINTS
    return Step(position="" if is_last else identities[-1], gone=gone, is_last=is_last)


async def _surplus(
    connection: AsyncConnection,
    identities: Sequence[str],
    table: Table,
    which: ColumnElement[bool],
    *,
    keep: int,
) -> Sequence[tuple[str, datetime]]:
    """Return the charge points with more, and when the newest of those that go was."""
    newest = (
        select(table.c.at)
        .where(table.c.charge_point_id == col(ChargePoint.id), which)
        .order_by(table.c.at.desc(), table.c.id.desc())
        .offset(keep)
        .limit(1)
        .correlate(ChargePoint)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(col(ChargePoint.id), newest.label("newest"))
        .where(among(connection, col(ChargePoint.id), identities))
        .order_by(col(ChargePoint.id))
    )
    return [(row.id, row.newest) for row in rows if row.newest is not None]
