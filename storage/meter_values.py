"""Meter values: by far the most rows, so on SQLite a batch is one statement and one step.

An ``executemany`` would cost the event loop tens of microseconds a row, and hand the interpreter's
lock back and forth between the threads for every row. PostgreSQL's driver pipelines it by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.places import evse_of, number_of
from storage.contest_marks import mark_told
from storage.dialects import conflict_insert, moment_of_sqlite
from storage.digests import digest
from storage.fact_records import KnownTransaction, MeterValues
from storage.meter_filing import find_transactions
from storage.models.transactions import MeterValue
from storage.transactions import named
from storage.transactions_to_bill import make_due_again

_COLUMNS: Final = (
    "charge_point_id",
    "evse_id",
    "transaction_id",
    "at",
    "received_at",
    "samples",  # packed
    "inferred",
    "digest",
)
_MAX_ROWS: Final = 512  # a statement; SQLite allows 32 766 parameters
_Row = tuple[str, int, int | None, datetime, datetime, str, bool, int]


async def store_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert meter values, under their transaction where it can be told."""
    unknown = [record for record in records if record.lookup is not None]
    if unknown:
        await _look_up(connection, unknown)
    unnamed = [record for record in records if record.inferred]
    if unnamed:
        await find_transactions(connection, unnamed)
    await insert_meter_values(connection, records)
    contested = [record for record in records if record.contested is not None]
    if contested:
        await mark_told(
            connection, {ended: one.charge_point_id for one in contested for ended in one.late}
        )
        records = [record for record in records if record.contested is None]
    late = {ended for record in records for ended in record.late}
    if not late:
        return
    # What a session cost may be another amount by what is known of it only now.
    due = await make_due_again(connection, late)
    for record in records:
        record.billing_due = {due[ended] for ended in record.late if ended in due}


async def insert_meter_values(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Insert what is not there yet: a charge point repeats what it got no answer to."""
    rows = list(_rows(records))
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(
            conflict_insert(connection, MeterValue).on_conflict_do_nothing(),
            [dict(zip(_COLUMNS, row, strict=True)) for row in rows],
        )
        return
    for start in range(0, len(rows), _MAX_ROWS):
        part = rows[start : start + _MAX_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        values: list[object] = [
            moment_of_sqlite(value) if isinstance(value, datetime) else value
            for row in part
            for value in row
        ]
        values += [None] * (len(_COLUMNS) * (size - len(part)))
        await connection.exec_driver_sql(_statement(size), tuple(values))


def _rows(records: Sequence[MeterValues]) -> Iterator[_Row]:
    for record in records:
        for place, entry in enumerate(record.entries):
            if entry in record.entries[:place]:
                continue
            yield (
                record.charge_point_id,
                evse_of(record.connector_id),
                entry.number if record.inferred else record.number,
                entry.at,
                record.received_at,
                entry.packed,
                record.inferred,
                _digest(record, entry.packed),
            )


def _digest(record: MeterValues, samples: str) -> int:
    """Return 64 bits of what tells two values of one moment apart."""
    return digest(f"{record.charge_point_id} {record.connector_id} {record.inferred:d} {samples}")


@cache
def _statement(size: int) -> str:
    """An INSERT of that many rows; sizes are powers of two, and rows of NULL fill them up.

    ``OR IGNORE`` is what leaves a repeated value out.
    """
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return (
        f"INSERT OR IGNORE INTO meter_values ({', '.join(_COLUMNS)}) "  # noqa: S608 - constants
        f"SELECT * FROM (VALUES {', '.join([row] * size)}) WHERE column1 IS NOT NULL"
    )


async def _look_up(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    asked = [(record.charge_point_id, record.lookup) for record in records]
    rows = await connection.execute(named(connection, asked))
    found = {(row.charge_point_id, row.ocpp_id): row for row in rows}
    for record in records:
        row = found.get((record.charge_point_id, record.lookup))
        if row is not None:
            record.transaction_id, record.number, record.inferred = row.ocpp_id, row.id, False
            record.connector_id = record.connector_id or number_of(row.evse_id)
            record.late = {row.id} if row.stopped_at is not None else set()
            record.found = KnownTransaction(
                transaction_id=row.ocpp_id, number=row.id, stopped_at=row.stopped_at
            )
