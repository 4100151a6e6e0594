"""Meter values: by far the most rows, so on SQLite a batch is one statement and one step.

An ``executemany`` would cost the event loop tens of microseconds a row, and hand the interpreter's
lock back and forth between the threads for every row. PostgreSQL's driver pipelines it by itself.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import Insert, Text, and_, bindparam, cast, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.billing_due import make_due_again
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
    "inferred",
)
_MAX_ROWS: Final = 512  # a statement; SQLite allows 32 766 parameters
_NAIVE_LENGTH: Final = len("2026-01-02 03:04:05.000000")
_Row = tuple[str, int, int | None, datetime, datetime, list[dict[str, Any]], bool]


_PARAMETERS: Final = tuple(f"new_{name}" for name in _COLUMNS)


def _insert_what_is_new() -> Insert:
    new = {
        name: cast(bindparam(parameter, type_=meter_values.c[name].type), meter_values.c[name].type)
        for name, parameter in zip(_COLUMNS, _PARAMETERS, strict=True)
    }
    there = meter_values.alias("there")
    same = [there.c[name] == new[name] for name in ("charge_point_id", "connector_id", "at")] + [
        cast(there.c.samples, Text) == cast(new["samples"], Text)
    ]
    is_there = exists().where(
        or_(
            there.c.transaction_id == new["transaction_id"],
            and_(there.c.transaction_id.is_(None), new["transaction_id"].is_(None)),
        ),
        *same,
    )
    return insert(meter_values).from_select(_COLUMNS, select(*new.values()).where(~is_there))


_POSTGRESQL: Final = _insert_what_is_new()


async def store_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert meter values, under their transaction where it can be told."""
    unknown = {record.lookup for record in records if record.lookup is not None}
    if unknown:
        await _look_up(connection, records, unknown)
    await insert_meter_values(connection, records)
    late = {ended for record in records for ended in record.late}
    if not late:
        return
    # What a session cost may be another amount by what is known of it only now.
    due = await make_due_again(connection, late)
    for record in records:
        record.billing_due = record.late & due


async def insert_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert what is not there yet: a charge point repeats what it got no answer to."""
    rows = list(_rows(records))
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(
            _POSTGRESQL, [dict(zip(_PARAMETERS, row, strict=True)) for row in rows]
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
        for number, entry in enumerate(record.entries):
            if entry in record.entries[:number]:
                continue
            yield (
                record.charge_point_id,
                record.connector_id,
                entry.transaction_id if record.inferred else record.transaction_id,
                entry.at,
                record.received_at,
                entry.samples,
                record.inferred,
            )


def _for_sqlite(row: _Row) -> tuple[object, ...]:
    charge_point_id, connector_id, transaction_id, at, received_at, samples, inferred = row
    return (
        charge_point_id,
        connector_id,
        transaction_id,
        _moment(at),
        _moment(received_at),
        orjson.dumps(samples).decode(),
        inferred,
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
        f"SELECT * FROM (VALUES {', '.join([row] * size)}) AS new WHERE column1 IS NOT NULL "
        # Two questions, for the sake of the two indexes.
        "AND NOT EXISTS (SELECT 1 FROM meter_values WHERE transaction_id = new.column3 "
        "AND at = new.column4 AND samples = new.column6 AND charge_point_id = new.column1 "
        "AND connector_id = new.column2) "
        "AND NOT (new.column3 IS NULL AND EXISTS (SELECT 1 FROM meter_values "
        "WHERE transaction_id IS NULL AND charge_point_id = new.column1 AND at = new.column4 "
        "AND connector_id = new.column2 AND samples = new.column6))"
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
            record.transaction_id, record.inferred = row.id, False
            record.late = {row.id} if row.stopped_at is not None else set()
            record.found = KnownTransaction(
                transaction_id=row.id,
                connector_id=row.connector_id,
                started_at=row.started_at,
                stopped_at=row.stopped_at,
            )
