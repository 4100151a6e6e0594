"""Which ended transactions are to be billed: a mark in their own row, set in their own commit."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import case, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement
from sqlmodel import col

from domain.billing.messages import BillTransaction
from domain.states import TransactionBilling
from storage.dialects import among
from storage.models.billing import BillingAccount
from storage.models.charge_points import ChargePoint
from storage.models.transactions import Transaction


def due_when_ended(transaction: Transaction) -> ColumnElement[str] | None:
    """The mark of a transaction that ends: due where its project bills.

    Whether it is billed in the end is decided with it, in peace; a test transaction never gets
    that far.
    """
    if transaction.commissioning_id is not None:
        return None
    bills = exists().where(
        col(ChargePoint.id) == transaction.charge_point_id,
        col(ChargePoint.project_id) == col(BillingAccount.project_id),
    )
    return case((bills, TransactionBilling.DUE.value), else_=None)


async def make_due_again(connection: AsyncConnection, numbers: Collection[int]) -> dict[int, str]:
    """Mark those of the transactions that billing has looked at; returns their ids by number.

    One that is due already is marked again: that waits for whoever is billing it at the moment,
    without these values.
    """
    rows = await connection.execute(
        update(Transaction)
        .where(among(connection, col(Transaction.id), numbers))
        .where(col(Transaction.billing).is_not(None))
        .values(billing=TransactionBilling.DUE)
        .returning(col(Transaction.id), col(Transaction.ocpp_id))
    )
    return {row.id: row.ocpp_id for row in rows}


async def due(
    connection: AsyncConnection, *, ended_before: datetime, after: int, limit: int
) -> Sequence[tuple[int, BillTransaction]]:
    """Transactions that wait to be billed, by their numbers and in the order of these."""
    rows = await connection.execute(
        select(col(Transaction.id), col(Transaction.ocpp_id), col(Transaction.charge_point_id))
        .where(col(Transaction.billing) == TransactionBilling.DUE)
        .where(col(Transaction.stop_received_at) < ended_before)
        .where(col(Transaction.id) > after)
        .order_by(col(Transaction.id))
        .limit(limit)
    )
    return [
        (
            row.id,
            BillTransaction(charge_point_id=row.charge_point_id, transaction_id=row.ocpp_id),
        )
        for row in rows
    ]
