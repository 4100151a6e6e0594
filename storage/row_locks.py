"""Locks of rows: two nodes that hear the same charge point write one after the other.

A charge point that changes its node may be heard by both for a while. What the one stores may
decide what becomes of what the other stores: whose generation is newer, which transaction a stop
without an id ends, under which transaction a meter value is filed. So each sees all that the other
has done, or nothing of it.
"""

from collections.abc import Collection

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import EventKind
from storage.dialects import among
from storage.fact_records import (
    Connected,
    Disconnected,
    MeterValues,
    Record,
    StatusReport,
    Told,
    TransactionStart,
    TransactionStop,
)
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection


async def lock_rows_of(connection: AsyncConnection, records: Collection[Record]) -> None:
    """Lock the rows of those charge points until the commit.

    First of all in a batch, and each table in one statement and one order, so that no two nodes
    wait for each other: charge points, then the rows of their links where those are written, as
    one that decides a contest does. Meter values that name their transaction stay where they are,
    and need no lock; nor do touches, which are stored by themselves, in the order of these rows.
    """
    of = {record.charge_point_id for record in records if _depends_on_others(record)}
    if of:
        await lock_rows(connection, col(ChargePoint.id), of)
    of = {record.charge_point_id for record in records if _writes_link(record)}
    if of:
        await lock_rows(connection, col(ChargePointConnection.charge_point_id), of)


async def lock_rows(
    connection: AsyncConnection, key: SQLColumnExpression[str], values: Collection[str | None]
) -> None:
    """Lock the rows of these keys in the order of the keys; on SQLite there is one writer."""
    if connection.dialect.name != "sqlite":
        await connection.execute(
            select(key)
            .where(among(connection, key, values))
            .order_by(key)
            .with_for_update(key_share=True)
        )


def _depends_on_others(record: Record) -> bool:
    if isinstance(record, Told) and record.contested is not None:
        return True  # a person may decide just now
    if isinstance(record, MeterValues):
        return record.inferred
    return _writes_link(record) or isinstance(record, TransactionStart | TransactionStop)


def _writes_link(record: Record) -> bool:
    if isinstance(record, StatusReport):
        return record.kind is EventKind.FIRMWARE_STATUS
    return isinstance(record, Connected | Disconnected)
