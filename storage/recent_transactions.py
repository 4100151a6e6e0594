"""Transactions of charge points: by the ids that these know, and those that a node remembers."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from storage.dialects import among, listed
from storage.fact_records import KnownTransaction
from storage.models.charge_points import ChargePoint
from storage.models.transactions import Transaction

_TRANSACTIONS_REMEMBERED: Final = 20
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def named(connection: AsyncConnection, names: Collection[tuple[str, str | None]]) -> Select[Any]:
    """Select the rows of these transactions, each named by its charge point and what that knows."""
    columns = Transaction.__table__.c
    wanted = listed(connection, (columns.charge_point_id, columns.ocpp_id), list(names))
    return select(Transaction.__table__).join(
        wanted,
        and_(
            columns.charge_point_id == wanted.c.charge_point_id,
            columns.ocpp_id == wanted.c.ocpp_id,
        ),
    )


async def recent_transactions(
    connection: AsyncConnection, identities: Collection[str]
) -> dict[str, list[KnownTransaction]]:
    """Give the newest transactions of each charge point, the newest first."""
    query = _newest_of_each(connection).where(among(connection, col(ChargePoint.id), identities))
    rows = await connection.execute(query)
    found: dict[str, list[KnownTransaction]] = {}
    for row in rows:
        found.setdefault(row.charge_point_id, []).append(
            KnownTransaction(transaction_id=row.ocpp_id, number=row.id, stopped_at=row.stopped_at)
        )
    return found


def _newest_of_each(connection: AsyncConnection) -> Select[Any]:
    """The newest transactions of each charge point, however many it has.

    PostgreSQL is told how to go about it: of a condition it may guess that looking at all of
    everybody is cheaper. SQLite knows no such join, and does what it reads.
    """
    some = aliased(Transaction, name="some")
    newest = (
        select(
            col(some.charge_point_id),
            col(some.id),
            col(some.ocpp_id),
            col(some.stopped_at),
            col(some.received_at),
        )
        .where(col(some.charge_point_id) == col(ChargePoint.id))
        .order_by(col(some.received_at).desc())
    )
    each: FromClause = newest.limit(_TRANSACTIONS_REMEMBERED).lateral()
    condition: ColumnElement[bool] = true()
    if connection.dialect.name == "sqlite":
        oldest = newest.with_only_columns(col(some.received_at)).offset(
            _TRANSACTIONS_REMEMBERED - 1
        )
        since = oldest.limit(1).correlate(ChargePoint).scalar_subquery()
        each = Transaction.__table__
        condition = (each.c.charge_point_id == col(ChargePoint.id)) & (
            each.c.received_at >= func.coalesce(since, _EVER)
        )
    return (
        select(each.c.charge_point_id, each.c.id, each.c.ocpp_id, each.c.stopped_at)
        .select_from(ChargePoint)
        .join(each, condition)
        .order_by(each.c.charge_point_id, each.c.id.desc())
    )
