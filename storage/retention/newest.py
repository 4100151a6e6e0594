"""Of some kinds the newest of each charge point stay, however old, and the others go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.contest_marks import counts
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.facts import Boot, LogEntry
from storage.retention.entries import REPORT
from storage.retention.step import ROWS, Step, remove
from storage.rows import Rows

_CHARGE_POINTS: Final = 50


async def let_boots_go(connection: AsyncConnection, position: str, *, keep: int) -> Step:
    """Let go of all boots that count but the newest: those of strangers take no place of them."""
    return await _keep_newest(
        connection, position, Boot.__table__, counts(Boot.__table__), keep=keep
    )


async def let_contested_boots_go(connection: AsyncConnection, position: str, *, keep: int) -> Step:
    """Let go of all boots but the newest that came while several links spoke."""
    return await _keep_newest(
        connection, position, Boot.__table__, ~counts(Boot.__table__), keep=keep
    )


async def let_reports_go(connection: AsyncConnection, position: str, *, keep: int) -> Step:
    """Let go of all reports (firmware, diagnostics, security) but the newest."""
    of_kind = col(LogEntry.kind) == REPORT
    return await _keep_newest(connection, position, LogEntry.__table__, of_kind, keep=keep)


async def _keep_newest(
    connection: AsyncConnection,
    position: str,
    table: Table,
    of_kind: ColumnElement[bool],
    *,
    keep: int,
) -> Step:
    """Look at some charge points; those of which not all went are looked at again."""
    identities = await Rows(connection).values(
        select(col(ChargePoint.id))
        .where(col(ChargePoint.id) > position)
        .order_by(col(ChargePoint.id))
        .limit(_CHARGE_POINTS)
    )
    if not identities:
        return Step(position="", is_last=True)
    surplus = await _surplus(connection, identities, table, of_kind, keep=keep)
    gone = 0
    for identity, newest in surplus:
        room = ROWS - gone
        found = await connection.scalars(
            select(table.c.id)
            .where(table.c.charge_point_id == identity, of_kind, table.c.at <= newest)
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
    of_kind: ColumnElement[bool],
    *,
    keep: int,
) -> Sequence[tuple[str, datetime]]:
    """Return the charge points with more, and when the newest of those that go was."""
    newest = (
        select(table.c.at)
        .where(table.c.charge_point_id == col(ChargePoint.id), of_kind)
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
