"""Which ended transactions are to be billed: a mark in their own row, set in their own commit."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from domain.billing.messages import BillTransaction
from domain.states import TransactionBilling
from storage.dialects import among
from storage.tables import billing_accounts, charge_points, transactions


def due_when_ended(transaction: Row[Any]) -> ColumnElement[str] | None:
    """The mark of a transaction that ends: due where its project bills.

    Whether it is billed in the end is decided with it, in peace; a test transaction never gets
    that far.
    """
    if transaction.commissioning_id is not None:
        return None
    bills = exists().where(
        charge_points.c.id == transaction.charge_point_id,
        charge_points.c.project_id == billing_accounts.c.project_id,
    )
    return case((bills, TransactionBilling.DUE.value), else_=None)


async def make_due_again(connection: AsyncConnection, transaction_ids: Collection[int]) -> set[int]:
    """Mark those of the transactions that billing has looked at; returns them.

    One that is due already is marked again: that waits for whoever is billing it at the moment,
    without these values.
    """
    rows = await connection.scalars(
        update(transactions)
        .where(among(connection, transactions.c.id, transaction_ids))
        .where(transactions.c.billing.is_not(None))
        .values(billing=TransactionBilling.DUE)
        .returning(transactions.c.id)
    )
    return set(rows)


async def due(
    connection: AsyncConnection, *, ended_before: datetime, after: int, limit: int
) -> Sequence[BillTransaction]:
    """Transactions that wait to be billed, in the order of their ids."""
    rows = await connection.execute(
        select(transactions.c.id, transactions.c.charge_point_id)
        .where(transactions.c.billing == TransactionBilling.DUE)
        .where(transactions.c.stop_received_at < ended_before)
        .where(transactions.c.id > after)
        .order_by(transactions.c.id)
        .limit(limit)
    )
    return [
        BillTransaction(charge_point_id=row.charge_point_id, transaction_id=row.id) for row in rows
    ]
