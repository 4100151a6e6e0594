"""Meter values of transactions."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import MeterReading, NamedTransaction, TransactionReadings
from domain.places import number_of
from domain.rules.sampled_values import read_samples
from storage.dialects import among
from storage.fact_transactions import transaction_fact
from storage.models.transactions import MeterValue
from storage.recent_transactions import named


async def readings_of(
    connection: AsyncConnection, asked: Collection[NamedTransaction]
) -> Mapping[NamedTransaction, TransactionReadings]:
    """Read each of these transactions, with its meter values by time."""
    names = [(one.charge_point_id, one.transaction_id) for one in asked]
    rows = await connection.execute(named(connection, names))
    facts = {
        NamedTransaction(
            charge_point_id=row.charge_point_id, transaction_id=row.ocpp_id
        ): transaction_fact(row)
        for row in rows
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
