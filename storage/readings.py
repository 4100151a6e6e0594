"""Meter values of one transaction."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.commissioning import TransactionReadings
from domain.rules.sampled_values import read_samples
from storage.fact_transactions import transaction_fact
from storage.tables import meter_values, transactions


async def read_readings(connection: AsyncConnection, transaction_id: int) -> TransactionReadings:
    """Read the transaction and its meter values, by time."""
    row = (
        await connection.execute(select(transactions).where(transactions.c.id == transaction_id))
    ).one_or_none()
    values = await connection.execute(
        select(meter_values)
        .where(meter_values.c.transaction_id == transaction_id)
        .order_by(meter_values.c.at, meter_values.c.id)
    )
    return TransactionReadings(
        readings=tuple(
            replace(
                read_samples(value.at, value.samples, connector_id=value.connector_id),
                inferred=value.inferred,
            )
            for value in values
        ),
        transaction=None if row is None else transaction_fact(row),
    )
