"""Transactions of charge points, as they are read: by name, running ones, with meter values."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.commissioning import MeterReading, NamedTransaction, TransactionReadings
from domain.facts import TransactionFact
from domain.places import number_of
from domain.rules.sampled_values import read_samples
from storage.dialects import among, listed
from storage.fact_records import KnownTransaction
from storage.models.charge_points import ChargePoint
from storage.models.transactions import MeterValue, Transaction
from storage.rows import Rows, record_of

_transaction = record_of(Transaction)
_TRANSACTIONS_REMEMBERED: Final = 20
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def transaction_fact(row: Transaction) -> TransactionFact:
    """Make the fact of a row of ``transactions``."""
    return TransactionFact(
        transaction_id=row.ocpp_id,
        number=row.id,
        connector_id=number_of(row.evse_id),
        id_tag=row.id_tag,
        started_at=row.started_at,
        meter_start=row.meter_start,
        stopped_at=row.stopped_at,
        meter_stop=row.meter_stop,
        stop_reason=row.stop_reason,
    )


async def running_transactions(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> defaultdict[str, list[TransactionFact]]:
    """Return those that run, by charge point and in the order of their numbers."""
    query = (
        select(Transaction.__table__)
        .where(among(connection, col(Transaction.charge_point_id), charge_point_ids))
        .where(col(Transaction.stopped_at).is_(None))
        .order_by(col(Transaction.id))
    )
    found: defaultdict[str, list[TransactionFact]] = defaultdict(list)
    for row in await Rows(connection).read_all(query, _transaction):
        found[row.charge_point_id].append(transaction_fact(row))
    return found


async def runs_of_tests(connection: AsyncConnection, numbers: Collection[int]) -> dict[int, str]:
    """Return the runs of those transactions that are test charges."""
    if not numbers:
        return {}
    rows = await connection.execute(
        select(col(Transaction.id), col(Transaction.commissioning_id))
        .where(among(connection, col(Transaction.id), numbers))
        .where(col(Transaction.commissioning_id).is_not(None))
    )
    return {row.id: row.commissioning_id for row in rows}


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


async def readings_of(
    connection: AsyncConnection, asked: Collection[NamedTransaction]
) -> Mapping[NamedTransaction, TransactionReadings]:
    """Read each of these transactions, with its meter values by time."""
    names = [(one.charge_point_id, one.transaction_id) for one in asked]
    facts = {
        NamedTransaction(
            charge_point_id=row.charge_point_id, transaction_id=row.ocpp_id
        ): transaction_fact(row)
        for row in await Rows(connection).read_all(named(connection, names), _transaction)
    }
    numbers = [fact.number for fact in facts.values()]
    values = await connection.execute(
        select(MeterValue.__table__)
        .where(among(connection, col(MeterValue.transaction_id), numbers))
        .order_by(col(MeterValue.transaction_id), col(MeterValue.at), col(MeterValue.id))
    )
    readings: defaultdict[int, list[MeterReading]] = defaultdict(list)
    for value in values:
        readings[value.transaction_id].append(
            replace(
                read_samples(value.at, value.samples, connector_id=number_of(value.evse_id)),
                inferred=value.inferred,
            )
        )
    none = TransactionReadings(readings=())
    told = {
        name: TransactionReadings(readings=tuple(readings[fact.number]), transaction=fact)
        for name, fact in facts.items()
    }
    return {name: told.get(name, none) for name in asked}


async def running_sessions(
    connection: AsyncConnection, project_id: str, *, before: int | None, limit: int
) -> Sequence[Transaction]:
    """Those of a project, newest first; test charges are none."""
    query = (
        select(Transaction.__table__)
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .where(col(ChargePoint.project_id) == project_id, col(Transaction.stopped_at).is_(None))
        .where(col(Transaction.commissioning_id).is_(None))
    )
    return await Rows(connection).read_newest(
        query, _transaction, key=col(Transaction.id), before=before, limit=limit
    )
