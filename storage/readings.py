"""Meter values of transactions."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import MeterReading, TransactionReadings
from domain.rules.sampled_values import read_samples
from storage.dialects import among
from storage.fact_transactions import transaction_fact
from storage.models.transactions import MeterValue, Transaction


async def read_readings(connection: AsyncConnection, transaction_id: int) -> TransactionReadings:
    """Read the transaction and its meter values, by time."""
    return (await readings_of(connection, [transaction_id]))[transaction_id]


async def readings_of(
    connection: AsyncConnection, transaction_ids: Collection[int]
) -> Mapping[int, TransactionReadings]:
    """Read each of them, with its meter values by time."""
    rows = await connection.execute(
        select(Transaction.__table__).where(among(connection, col(Transaction.id), transaction_ids))
    )
    facts = {row.id: transaction_fact(row) for row in rows}
    values = await connection.execute(
        select(MeterValue.__table__)
        .where(among(connection, col(MeterValue.transaction_id), transaction_ids))
        .order_by(col(MeterValue.transaction_id), col(MeterValue.at), col(MeterValue.id))
    )
    readings: defaultdict[int, list[MeterReading]] = defaultdict(list)
    for value in values:
        readings[value.transaction_id].append(
            replace(
                read_samples(value.at, value.samples, connector_id=value.connector_id),
                inferred=value.inferred,
            )
        )
    return {
        number: TransactionReadings(readings=tuple(readings[number]), transaction=facts.get(number))
        for number in transaction_ids
    }
