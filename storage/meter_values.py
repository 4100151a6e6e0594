"""Meter values: by far the most rows, so on SQLite a batch is one statement and one step.

An ``executemany`` would cost the event loop tens of microseconds a row, and hand the interpreter's
lock back and forth between the threads for every row. PostgreSQL's driver pipelines it by itself.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import among
from storage.fact_records import KnownTransaction, MeterValues
from storage.tables import meter_values, transactions

_COLUMNS: Final = (
    "charge_point_id",
    "connector_id",
    "transaction_id",
    "at",
    "received_at",
    "samples",
)
_MAX_ROWS: Final = 512  # a statement; SQLite allows 32 766 parameters
_NAIVE_LENGTH: Final = len("2026-01-02 03:04:05.000000")
_Row = tuple[str, int, int | None, datetime, datetime, list[dict[str, Any]]]


async def store_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert meter values, under their transaction where it can be told."""
    unknown = {record.lookup for record in records if record.lookup is not None}
    if unknown:
        await _look_up(connection, records, unknown)
    await insert_meter_values(connection, records)


async def insert_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert meter values as they are."""
    rows = list(_rows(records))
    if connection.dialect.name != "sqlite":
        await connection.execute(
            insert(meter_values), [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        )
        return
    for start in range(0, len(rows), _MAX_ROWS):
        part = rows[start : start + _MAX_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        values = [value for row in part for value in _for_sqlite(row)]
        values += [None] * (len(_COLUMNS) * (size - len(part)))
        await connection.exec_driver_sql(_statement(size), tuple(values))


def _rows(records: Sequence[MeterValues]) -> Iterator[_Row]:
    for record in records:
        for entry in record.entries:
            yield (
                record.charge_point_id,
                record.connector_id,
                record.transaction_id,
                entry.at,
                record.received_at,
                entry.samples,
            )


def _for_sqlite(row: _Row) -> tuple[object, ...]:
    charge_point_id, connector_id, transaction_id, at, received_at, samples = row
    return (
        charge_point_id,
        connector_id,
        transaction_id,
        _moment(at),
        _moment(received_at),
        orjson.dumps(samples).decode(),
    )


def _moment(at: datetime) -> str:
    """Write UTC as our column type does."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(" ", "microseconds")[:_NAIVE_LENGTH]


@cache
def _statement(size: int) -> str:
    """An INSERT of that many rows; sizes are powers of two, and rows of NULL fill them up.

    ``OR FAIL`` spares the journal by which SQLite could undo half a statement: our transaction is
    rolled back as a whole.
    """
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return (
        f"INSERT OR FAIL INTO meter_values ({', '.join(_COLUMNS)}) "  # noqa: S608 - constants
        f"SELECT * FROM (VALUES {', '.join([row] * size)}) WHERE column1 IS NOT NULL"
    )


async def _look_up(
    connection: AsyncConnection, records: Sequence[MeterValues], unknown: Collection[int]
) -> None:
    rows = await connection.execute(
        select(transactions).where(among(connection, transactions.c.id, unknown))
    )
    found = {(row.charge_point_id, row.id): row for row in rows}
    for record in records:
        row = found.get((record.charge_point_id, record.lookup))
        if row is not None:
            record.transaction_id = row.id
            record.found = KnownTransaction(
                transaction_id=row.id,
                connector_id=row.connector_id,
                started_at=row.started_at,
                is_open=row.stopped_at is None,
            )
