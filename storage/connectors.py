"""Connectors: the newest status of each, and when it gave a vehicle no power (SuspendedEVSE)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain import states
from domain.billing.register import Span
from domain.facts import ConnectorFact
from domain.places import connector_of, evse_of, number_of
from domain.reported import ConnectorError
from storage.contest_marks import counts
from storage.dialects import among, at_once, conflict_insert, upsert
from storage.fact_records import ConnectorStatus
from storage.models.facts import Connector, Suspension
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of

_STATUSES: Final = frozenset(states.ConnectorStatus)
_ERRORS: Final = frozenset(ConnectorError)
_running = aliased(Suspension, name="running")


def _words(fact: ConnectorFact) -> dict[str, Any]:
    """What a row has of a status: its place, and each word beside ours for it, if there is one."""
    said = asdict(fact) | {"raw_status": fact.status, "raw_error_code": fact.error_code}
    return said | {
        "evse_id": evse_of(fact.connector_id),
        "connector_id": connector_of(fact.connector_id),
        "status": fact.status if fact.status in _STATUSES else None,
        "error_code": fact.error_code if fact.error_code in _ERRORS else None,
    }


async def store_connectors(connection: AsyncConnection, records: Sequence[ConnectorStatus]) -> None:
    """Store the newest status of each connector, and when it suspended a charge."""
    newest = {(record.charge_point_id, record.fact.connector_id): record for record in records}
    await connection.execute(
        at_once(
            connection,
            upsert(connection, Connector, keys=("charge_point_id", "evse_id", "connector_id")),
        ),
        [
            {
                "charge_point_id": record.charge_point_id,
                **_words(record.fact),
                "contested_link": record.contested,
            }
            # One order for all nodes: rows locked in different orders would deadlock.
            for _, record in sorted(newest.items())
        ],
    )
    await note_suspensions(connection, [one for one in records if one.contested is None])


async def read_connectors(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> defaultdict[str, list[ConnectorFact]]:
    """Return the newest status of each connector, by charge point and in the connectors' order."""
    rows = await Rows(connection).read_all(
        select(Connector.__table__)
        .where(among(connection, col(Connector.charge_point_id), charge_point_ids))
        .where(counts(Connector.__table__))
        .order_by(col(Connector.evse_id), col(Connector.connector_id)),
        record_of(Connector),
    )
    found: defaultdict[str, list[ConnectorFact]] = defaultdict(list)
    for row in rows:
        found[row.charge_point_id].append(
            ConnectorFact(
                connector_id=number_of(row.evse_id),
                status=row.status or row.raw_status,
                error_code=row.error_code or row.raw_error_code,
                at=row.at,
                vendor_error_code=row.vendor_error_code,
                info=row.info,
            )
        )
    return found


async def note_suspensions(connection: AsyncConnection, records: Sequence[ConnectorStatus]) -> None:
    """Begin those that are reported, and end those after which another status is."""
    begun = {
        (one.charge_point_id, evse_of(one.fact.connector_id)): one.stamped_at
        for one in records
        if one.fact.status == states.ConnectorStatus.SUSPENDED_EVSE
    }
    others = {
        (one.charge_point_id, evse_of(one.fact.connector_id)): one.stamped_at
        for one in records
        if one.fact.status != states.ConnectorStatus.SUSPENDED_EVSE
    }
    for one in records:
        place = one.charge_point_id, evse_of(one.fact.connector_id)
        if one.goes_on and place in begun and await _goes_on(connection, place):
            del begun[place]
    if begun:
        await connection.execute(
            # Reported again, it goes on.
            at_once(connection, conflict_insert(connection, Suspension).on_conflict_do_nothing()),
            [
                {"charge_point_id": place[0], "evse_id": place[1], "since": since}
                for place, since in sorted(begun.items())
            ],
        )
    if not others:
        return
    running = await connection.execute(
        select(col(Suspension.id), col(Suspension.charge_point_id), col(Suspension.evse_id))
        .where(col(Suspension.until).is_(None))
        .where(among(connection, col(Suspension.charge_point_id), {place[0] for place in others}))
        .order_by(col(Suspension.id))
    )
    for row in running.all():
        until = others.get((row.charge_point_id, row.evse_id))
        if until is not None:
            await Rows(connection).at(Suspension, row.id).set(until=until)


async def _goes_on(connection: AsyncConnection, place: tuple[str, int]) -> bool:
    """Take the end of the newest back; False: there is none."""
    newest = (
        select(col(Suspension.id))
        .where(col(Suspension.charge_point_id) == place[0])
        .where(col(Suspension.evse_id) == place[1])
        .order_by(col(Suspension.since).desc(), col(Suspension.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    is_running = exists().where(
        col(_running.charge_point_id) == place[0],
        col(_running.evse_id) == place[1],
        col(_running.until).is_(None),
    )
    return await Rows(connection).at(Suspension, newest, ~is_running).set(until=None)


async def read_suspensions(
    connection: AsyncConnection, transaction: Transaction, *, ended: datetime
) -> tuple[Span, ...]:
    """Return those of a transaction. One that began in the transaction before is not its own."""
    place = (
        col(Transaction.charge_point_id) == transaction.charge_point_id,
        col(Transaction.evse_id) == transaction.evse_id,
    )
    before = await connection.scalar(
        select(func.max(col(Transaction.stopped_at)))
        .where(*place)
        .where(col(Transaction.stopped_at) <= transaction.started_at)
    )
    query = (
        select(col(Suspension.since), col(Suspension.until))
        .where(col(Suspension.charge_point_id) == transaction.charge_point_id)
        .where(col(Suspension.evse_id) == transaction.evse_id)
        .where(col(Suspension.since) < ended)
        .where(or_(col(Suspension.until).is_(None), col(Suspension.until) > transaction.started_at))
        .order_by(col(Suspension.since))
    )
    if before is not None:
        query = query.where(col(Suspension.since) >= before)
    return tuple(
        Span(start=max(row.since, transaction.started_at), end=min(row.until or ended, ended))
        for row in await connection.execute(query)
    )
