"""When connectors gave a vehicle no power: as charge points report it (SuspendedEVSE)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain import states
from domain.billing.register import Span
from storage.dialects import among, at_once, conflict_insert
from storage.fact_records import ConnectorStatus
from storage.models.facts import Suspension
from storage.models.transactions import Transaction

_running = aliased(Suspension, name="running")


async def note_suspensions(connection: AsyncConnection, records: Sequence[ConnectorStatus]) -> None:
    """Begin those that are reported, and end those after which another status is."""
    begun = {
        (one.charge_point_id, one.fact.connector_id): one.stamped_at
        for one in records
        if one.fact.status == states.ConnectorStatus.SUSPENDED_EVSE
    }
    others = {
        (one.charge_point_id, one.fact.connector_id): one.stamped_at
        for one in records
        if one.fact.status != states.ConnectorStatus.SUSPENDED_EVSE
    }
    for one in records:
        place = one.charge_point_id, one.fact.connector_id
        if one.goes_on and place in begun and await _goes_on(connection, place):
            del begun[place]
    if begun:
        await connection.execute(
            # Reported again, it goes on.
            at_once(connection, conflict_insert(connection, Suspension).on_conflict_do_nothing()),
            [
                {"charge_point_id": place[0], "connector_id": place[1], "since": since}
                for place, since in sorted(begun.items())
            ],
        )
    if not others:
        return
    running = await connection.execute(
        select(col(Suspension.id), col(Suspension.charge_point_id), col(Suspension.connector_id))
        .where(col(Suspension.until).is_(None))
        .where(among(connection, col(Suspension.charge_point_id), {place[0] for place in others}))
        .order_by(col(Suspension.id))
    )
    for row in running.all():
        until = others.get((row.charge_point_id, row.connector_id))
        if until is not None:
            await connection.execute(
                update(Suspension).where(col(Suspension.id) == row.id).values(until=until)
            )


async def _goes_on(connection: AsyncConnection, place: tuple[str, int]) -> bool:
    """Take the end of the newest back; False: there is none."""
    newest = (
        select(col(Suspension.id))
        .where(col(Suspension.charge_point_id) == place[0])
        .where(col(Suspension.connector_id) == place[1])
        .order_by(col(Suspension.since).desc(), col(Suspension.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    went_on = await connection.execute(
        update(Suspension)
        .where(col(Suspension.id) == newest)
        .where(
            ~exists()
            .where(col(_running.charge_point_id) == place[0])
            .where(col(_running.connector_id) == place[1])
            .where(col(_running.until).is_(None))
        )
        .values(until=None)
    )
    return went_on.rowcount == 1


async def read_suspensions(
    connection: AsyncConnection, transaction: Row[Any], *, ended: datetime
) -> tuple[Span, ...]:
    """Return those of a transaction. One that began in the transaction before is not its own."""
    place = (
        col(Transaction.charge_point_id) == transaction.charge_point_id,
        col(Transaction.connector_id) == transaction.connector_id,
    )
    before = await connection.scalar(
        select(func.max(col(Transaction.stopped_at)))
        .where(*place)
        .where(col(Transaction.stopped_at) <= transaction.started_at)
    )
    query = (
        select(col(Suspension.since), col(Suspension.until))
        .where(col(Suspension.charge_point_id) == transaction.charge_point_id)
        .where(col(Suspension.connector_id) == transaction.connector_id)
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
