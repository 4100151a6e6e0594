"""Stores transactions as charge points report them: repeated, late, foreign ones included."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import col

from domain.contests import Contest
from domain.facts import TransactionFact
from domain.id_tag import is_of_run
from domain.places import connector_of, evse_of
from domain.states import TransactionBilling
from storage.access import admitted
from storage.awaited_tags import PRESENTED_WITHIN, list_awaited
from storage.contest_marks import mark_told
from storage.contested_stops import ended_by_others, keep_end, note_stop
from storage.contests import read_contests
from storage.dialects import among, conflict_insert
from storage.fact_records import (
    Authorization,
    MeterValues,
    TransactionStart,
    TransactionStop,
)
from storage.meter_filing import file_after_stopped, file_under_started
from storage.meter_values import insert_meter_values
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of
from storage.run_queries import is_open
from storage.transactions import transaction_fact
from storage.transactions_to_bill import due_when_ended

_REPEATED_WITHIN: Final = timedelta(minutes=2)
_transaction = record_of(Transaction)


async def store_authorizations(
    connection: AsyncConnection, records: Sequence[Authorization]
) -> None:
    """Accept the tag of each charge point's open run, and those that the site's owner admits."""
    await _accept(connection, records)
    await list_awaited(connection, records)


async def _accept(
    connection: AsyncConnection, records: Sequence[Authorization | TransactionStart]
) -> dict[tuple[str, str], str]:
    """Mark the records whose tag may charge.

    Returns the runs of the test charges among them, by charge point and id tag.
    """
    runs = await _open_runs(connection, {record.charge_point_id for record in records})
    presented = {(record.charge_point_id, record.id_tag) for record in records}
    welcome = await admitted(connection, presented)
    tests: dict[tuple[str, str], str] = {}
    for record in records:
        run_id, tag = runs.get(record.charge_point_id, ("", None))
        is_test = is_of_run(record.id_tag, open_run_tag=tag)
        pair = record.charge_point_id, record.id_tag
        record.accepted = is_test or pair in welcome
        if is_test:
            tests[pair] = run_id
    return tests


async def store_starts(connection: AsyncConnection, records: Sequence[TransactionStart]) -> None:
    """Give each start its transaction id; a repeated start gets the id it had before."""
    tests = await _accept(connection, records)
    await list_awaited(connection, [one for one in records if _is_of_now(one)])
    for record in records:
        told = {
            "charge_point_id": record.charge_point_id,
            "evse_id": evse_of(record.connector_id),
            "id_tag": record.id_tag,
            "started_at": record.started_at,
            "meter_start": record.meter_start,
        }
        row, identity = None, told
        if record.given_id is not None:
            identity = {"charge_point_id": record.charge_point_id, "ocpp_id": record.given_id}
        else:
            # Where the register is not known, no constraint tells that a start is repeated.
            row = None if record.meter_start is not None else await _started(connection, told)
            if row is None and (record.charge_point_id, record.id_tag) in tests:
                row = await _told_before(connection, record, told)
        inserted = row is None and await connection.scalar(
            _begin(
                connection,
                record.given_id,
                {
                    **told,
                    "connector_id": connector_of(record.connector_id),
                    "received_at": record.received_at,
                    "seq_no": record.seq_no,
                    "offline": record.offline,
                    "start_ahead_s": record.clock_ahead_s,
                    "commissioning_id": tests.get((record.charge_point_id, record.id_tag)),
                },
            )
        )
        record.repeated = not inserted
        if row is None:
            row = await _started(connection, {"id": inserted} if inserted else identity)
        assert row is not None, "it was inserted, or it stood in the way"  # noqa: S101
        record.transaction_id, record.number = row.ocpp_id, row.id
        record.stored = transaction_fact(row)
    await mark_told(
        connection,
        {one.number: one.charge_point_id for one in records if one.contested is not None},
    )
    await file_under_started(connection, [record for record in records if not record.repeated])


def _begin(
    connection: AsyncConnection, given_id: str | None, values: Mapping[str, Any]
) -> ReturningInsert[Any]:
    """Insert a transaction, and return its number; nothing, where it is there already.

    The charge point knows it by its number, unless it has given it an id by itself. Both are
    written by one statement, so the number is drawn in it: of PostgreSQL's sequence, and on SQLite,
    where one writes at a time, as SQLite itself would.
    """
    table = Transaction.__table__
    if connection.dialect.name == "sqlite":
        drawn = select((func.coalesce(func.max(table.c.id), 0) + 1).label("id"))
    else:
        drawn = select(func.nextval("transactions_id_seq", type_=BigInteger).label("id"))
    number = drawn.subquery("drawn").c.id
    row = {
        "id": number,
        "ocpp_id": cast(number, String) if given_id is None else literal(given_id),
        **{name: literal(value, table.c[name].type) for name, value in values.items()},
    }
    return (
        conflict_insert(connection, Transaction)
        # SQLite would take ON CONFLICT for a part of a SELECT that has no WHERE.
        .from_select(list(row), select(*row.values()).where(true()))
        .on_conflict_do_nothing()
        .returning(table.c.id)
    )


def _is_of_now(record: TransactionStart) -> bool:
    """Whether the card was presented now: what was kept while the charge point was away was not."""
    return abs(record.received_at - record.started_at) <= PRESENTED_WITHIN


async def _told_before(
    connection: AsyncConnection, record: TransactionStart, identity: Mapping[str, Any]
) -> Transaction | None:
    """Find the test charge that runs there, if this start tells of it once more, stamped anew.

    Some charge points stamp a message anew when they repeat it. One after the handover is another
    matter: what looks alike may be a second session.
    """
    if await _started(connection, identity) is not None:
        return None  # repeated as it was
    alike = {name: value for name, value in identity.items() if name != "started_at"}
    query = (
        select(Transaction.__table__)
        .filter_by(**alike)
        .where(col(Transaction.stopped_at).is_(None))
        .where(col(Transaction.received_at) >= record.received_at - _REPEATED_WITHIN)
        .where(col(Transaction.started_at) <= record.started_at)
        .order_by(col(Transaction.id))
        .limit(1)
    )
    return await Rows(connection).read(query, _transaction)


async def _started(connection: AsyncConnection, identity: Mapping[str, Any]) -> Transaction | None:
    query = select(Transaction.__table__).filter_by(**identity)
    return await Rows(connection).read(query, _transaction)


async def store_stops(connection: AsyncConnection, records: Sequence[TransactionStop]) -> None:
    """End transactions. The first stop wins; a stop of a foreign transaction has no effect.

    What the engine has ended by itself is ended by the charge point's own word after all; and so
    is, by another stop with a register, what is held for its stop, or may have a stranger's. What
    is told while several links speak is kept beside the end.
    """
    told = {one.charge_point_id for one in records if one.contested is not None}
    contests = await read_contests(connection, told) if told else {}
    for record in records:
        contest = contests.get(record.charge_point_id) if record.contested is not None else None
        row = await _transaction_to_stop(connection, record, contest)
        if row is None:
            continue
        record.number, record.ended = row.id, transaction_fact(row)
        if record.contested is not None:
            await note_stop(connection, row.id, record, contest)
        ended = await connection.execute(
            update(Transaction)
            .where(col(Transaction.id) == row.id)
            .where(
                or_(
                    col(Transaction.stopped_at).is_(None),
                    col(Transaction.superseded),
                    _has_anothers(record),
                )
            )
            .values(
                seq_no=record.seq_no,
                stopped_at=record.stopped_at,
                meter_stop=record.meter_stop,
                stop_reason=record.reason,
                stop_received_at=record.received_at,
                stop_ahead_s=record.clock_ahead_s,
                superseded=False,
                billing=due_when_ended(row),
            )
            .returning(col(Transaction.billing))
        )
        billing = ended.one_or_none()
        if billing is None:
            if record.contested is not None and record.entries:
                await insert_meter_values(connection, [_last_values(record, record.ended)])
            elif record.contested is None and row.contested and not _is_told(row, record):
                await note_stop(connection, row.id, record, None)
            continue
        if row.contested and record.contested is None:
            await keep_end(connection, row)
        if billing.billing == TransactionBilling.DUE:
            record.billing_due = {row.ocpp_id}
        record.stored = record.ended = replace(
            record.ended,
            stopped_at=record.stopped_at,
            meter_stop=record.meter_stop,
            stop_reason=record.reason,
        )
        await file_after_stopped(connection, row.id, record.stopped_at)
        if record.entries:
            await insert_meter_values(connection, [_last_values(record, record.stored)])
    await mark_told(
        connection,
        {
            one.number: one.charge_point_id
            for one in records
            if one.contested is not None and one.ended is not None
        },
    )


def _has_anothers(record: TransactionStop) -> ColumnElement[bool]:
    """Whether this one says something else than a stop by which nothing is, or will be, billed.

    Such is one that is held, or of a session of which several links have told: this one comes on
    the link that was kept. One that is repeated is the same, and changes nothing.
    """
    if record.meter_stop is None or record.meter_stop < 0 or record.contested is not None:
        return false()
    mark = col(Transaction.billing)
    undecided = or_(mark.is_(None), mark == TransactionBilling.DUE)
    return and_(
        or_(mark == TransactionBilling.HELD, and_(col(Transaction.contested), undecided)),
        col(Transaction.meter_stop).is_distinct_from(record.meter_stop),
    )


def _is_told(row: Transaction, record: TransactionStop) -> bool:
    return (row.stopped_at, row.meter_stop) == (record.stopped_at, record.meter_stop)


def _last_values(record: TransactionStop, transaction: TransactionFact) -> MeterValues:
    return MeterValues(
        charge_point_id=record.charge_point_id,
        connector_id=transaction.connector_id,
        received_at=record.received_at,
        entries=record.entries,
        transaction_id=transaction.transaction_id,
        number=transaction.number,
    )


async def _transaction_to_stop(
    connection: AsyncConnection, record: TransactionStop, contest: Contest | None
) -> Transaction | None:
    rows = Rows(connection)
    own = select(Transaction.__table__).where(
        col(Transaction.charge_point_id) == record.charge_point_id
    )
    if record.transaction_id is not None:
        query = own.where(col(Transaction.ocpp_id) == record.transaction_id).with_for_update()
        return await rows.read(query, _transaction)
    # The id was lost in the charge point. Perhaps it repeats itself: that must not end another one.
    query = own.where(col(Transaction.stopped_at) == record.stopped_at)
    repeated = query.filter_by(meter_stop=record.meter_stop).limit(1)
    row = await rows.read(repeated, _transaction)
    if row is not None:
        return row
    query = own.where(col(Transaction.stopped_at).is_(None)).with_for_update()
    found = await rows.read_all(query, _transaction)
    found += await ended_by_others(connection, record, contest)
    if len(found) > 1:
        found = [row for row in found if _may_end(record, row)]
    if len(found) > 1:  # another card may stop a charge (OCPP 1.6 §4.10), so it is the last sign
        found = [row for row in found if _same_tag(row, record)]
    return found[0] if len(found) == 1 else None


def _may_end(record: TransactionStop, row: Transaction) -> bool:
    """Whether time, register and connector, as far as they are known, fit."""
    began, ended = row.meter_start, record.meter_stop
    return (
        row.started_at <= record.stopped_at
        and (began is None or ended is None or began <= ended)
        and (record.connector_id is None or row.evse_id == evse_of(record.connector_id))
    )


def _same_tag(row: Transaction, record: TransactionStop) -> bool:
    return record.id_tag is not None and row.id_tag.upper() == record.id_tag.upper()


async def _open_runs(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, tuple[str, str | None]]:
    rows = await connection.execute(
        select(
            col(CommissioningRun.charge_point_id),
            col(CommissioningRun.id),
            col(CommissioningRun.id_tag),
        )
        .where(among(connection, col(CommissioningRun.charge_point_id), charge_point_ids))
        .where(is_open())
    )
    return {row.charge_point_id: (row.id, row.id_tag) for row in rows}
