"""Under which transaction a meter value belongs that names none, whatever order messages come in.

It belongs to the newest transaction that had begun on its connector by then, unless that one had
ended: an older one whose stop was lost runs no more. It is filed so by what is stored by then; when
a start or a stop comes late, what was filed before is filed anew, so that the rows end up the same
as if all had come in order. Two nodes do not file at once (:mod:`storage.row_locks`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.places import evse_of
from storage.dialects import among, listed
from storage.fact_records import MeterValues, TransactionStart
from storage.models.transactions import MeterValue, Transaction

_there = aliased(MeterValue, name="there")
_begun = aliased(Transaction, name="begun")


async def find_transactions(connection: AsyncConnection, records: Sequence[MeterValues]) -> None:
    """Fill in the transactions of these records' entries; the messages name none."""
    entries = [(record, entry) for record in records for entry in record.entries]
    wanted = listed(
        connection,
        (
            Transaction.__table__.c.charge_point_id,
            Transaction.__table__.c.evse_id,
            Transaction.__table__.c.started_at,
        ),
        [
            (record.charge_point_id, evse_of(record.connector_id), entry.at)
            for record, entry in entries
        ],
    )
    newest = (
        select(col(_begun.id))
        .where(col(_begun.charge_point_id) == wanted.c.charge_point_id)
        .where(col(_begun.evse_id) == wanted.c.evse_id)
        .where(col(_begun.started_at) <= wanted.c.started_at)
        .order_by(col(_begun.started_at).desc(), col(_begun.id).desc())
        .limit(1)
        .correlate(wanted)
        .scalar_subquery()
    )
    found = await connection.execute(
        select(
            wanted.c.place,
            col(Transaction.id),
            col(Transaction.ocpp_id),
            col(Transaction.stopped_at),
        )
        .select_from(wanted)
        .join(Transaction, col(Transaction.id) == newest)
    )
    names: dict[int | None, str] = {}
    for place, number, transaction_id, stopped_at in found:
        record, entry = entries[place - 1]
        if stopped_at is not None and stopped_at < entry.at:
            continue
        entry.number, names[number] = number, transaction_id
        if stopped_at is not None:
            record.late.add(number)
    for record in records:
        record.number = max(record.entries, key=lambda entry: entry.at).number
        record.transaction_id = names.get(record.number)


async def file_under_started(
    connection: AsyncConnection, starts: Sequence[TransactionStart]
) -> None:
    """Take what was filed elsewhere, or nowhere, before these starts came."""
    places = {(start.charge_point_id, evse_of(start.connector_id)) for start in starts}
    if not places:
        return
    charge_points = {charge_point_id for charge_point_id, _ in places}
    earliest = min(start.started_at for start in starts)
    unfiled = await _with_values_outside(connection, charge_points, since=earliest)
    neighbours = await _neighbours(connection, charge_points, since=earliest)
    for start in starts:
        place = start.charge_point_id, evse_of(start.connector_id)
        others = [
            (started_at, id_)
            for found, id_, started_at in neighbours
            if found == place and id_ != start.number
        ]
        before = max((o for o in others if o[0] <= start.started_at), default=None)
        after = min((at for at, _ in others if at > start.started_at), default=None)
        sources: list[ColumnElement[bool]] = []
        if place in unfiled:
            sources.append(col(MeterValue.transaction_id).is_(None))
        if before is not None:
            sources.append(col(MeterValue.transaction_id) == before[1])
        if sources:
            await _file(connection, start, sources, until=after)


async def file_after_stopped(
    connection: AsyncConnection, number: int, stopped_at: datetime
) -> None:
    """Let go of values that were taken after the end."""
    await connection.execute(
        update(MeterValue)
        .where(col(MeterValue.transaction_id) == number)
        .where(col(MeterValue.at) > stopped_at)
        .where(col(MeterValue.inferred))
        .where(~_is_filed_already(col(_there.transaction_id).is_(None)))
        .values(transaction_id=None)
    )


def _is_filed_already(there: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the same value is where this one is to go: two nodes may have taken it."""
    return exists().where(
        there,
        col(_there.charge_point_id) == col(MeterValue.charge_point_id),
        col(_there.at) == col(MeterValue.at),
        col(_there.digest) == col(MeterValue.digest),
    )


async def _file(
    connection: AsyncConnection,
    start: TransactionStart,
    sources: Sequence[ColumnElement[bool]],
    *,
    until: datetime | None,
) -> None:
    query = (
        update(MeterValue)
        .where(col(MeterValue.charge_point_id) == start.charge_point_id)
        .where(col(MeterValue.evse_id) == evse_of(start.connector_id))
        .where(col(MeterValue.at) >= start.started_at)
        .where(col(MeterValue.inferred))
        .where(or_(*sources))
        .where(~_is_filed_already(col(_there.transaction_id) == start.number))
        .values(transaction_id=start.number)
    )
    await connection.execute(query if until is None else query.where(col(MeterValue.at) < until))


async def _with_values_outside(
    connection: AsyncConnection, charge_point_ids: Collection[str], *, since: datetime
) -> set[tuple[str, int]]:
    rows = await connection.execute(
        select(col(MeterValue.charge_point_id), col(MeterValue.evse_id))
        .where(col(MeterValue.transaction_id).is_(None))
        .where(among(connection, col(MeterValue.charge_point_id), charge_point_ids))
        .where(and_(col(MeterValue.at) >= since, col(MeterValue.inferred)))
        .distinct()
    )
    return {(row.charge_point_id, row.evse_id) for row in rows}


async def _neighbours(
    connection: AsyncConnection, charge_point_ids: Collection[str], *, since: datetime
) -> list[tuple[tuple[str, int], int, datetime]]:
    """Transactions that were running then, or began later: place, id, start."""
    rows = await connection.execute(
        select(
            col(Transaction.id),
            col(Transaction.charge_point_id),
            col(Transaction.evse_id),
            col(Transaction.started_at),
        )
        .where(among(connection, col(Transaction.charge_point_id), charge_point_ids))
        .where(or_(col(Transaction.stopped_at).is_(None), col(Transaction.stopped_at) >= since))
    )
    return [((row.charge_point_id, row.evse_id), row.id, row.started_at) for row in rows]
