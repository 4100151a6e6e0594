"""Commands with an effect: a row per intent, committed before the command leaves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.operations import OperationName, Outcome, Reply
from storage.dialects import conflict_insert
from storage.models.configuration import SentCommand
from storage.models.transactions import Transaction

_REFUSED = (Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One intent to have an effect on a charge point."""

    intent: str
    charge_point_id: str
    operation: str
    at: datetime


async def claim(connection: AsyncConnection, command: Command) -> Outcome | None:
    """Take the right to send a command: None for one caller; others get its reply, or UNKNOWN."""
    inserted = await connection.scalar(
        conflict_insert(connection, SentCommand)
        .values(
            intent=command.intent,
            charge_point_id=command.charge_point_id,
            operation=command.operation,
            sent_at=command.at,
        )
        .on_conflict_do_nothing()
        .returning(col(SentCommand.intent))
    )
    if inserted is not None:
        return None
    row = (
        await connection.execute(
            select(col(SentCommand.reply), col(SentCommand.detail)).where(
                col(SentCommand.intent) == command.intent
            )
        )
    ).one()
    if row.reply is None:
        return Outcome(reply=Reply.UNKNOWN, detail="The reply was lost with the node that sent it.")
    return Outcome(reply=Reply(row.reply), detail=row.detail)


async def store_reply(connection: AsyncConnection, intent: str, outcome: Outcome) -> None:
    """Keep how the charge point took it."""
    await connection.execute(
        update(SentCommand)
        .where(col(SentCommand.intent) == intent)
        .values(reply=outcome.reply, detail=outcome.detail and outcome.detail[:500])
    )


async def release(connection: AsyncConnection, intent: str) -> None:
    """Give the right back: the command certainly never left."""
    await connection.execute(
        delete(SentCommand)
        .where(col(SentCommand.intent) == intent)
        .where(col(SentCommand.reply).is_(None))
    )


async def sent_at(connection: AsyncConnection, intent: str) -> datetime | None:
    """Return when the command was sent; None when it was not."""
    found: datetime | None = await connection.scalar(
        select(col(SentCommand.sent_at)).where(col(SentCommand.intent) == intent)
    )
    return found


async def last_reset(connection: AsyncConnection, charge_point_id: str) -> datetime | None:
    """Return when it was last told to restart, and did not refuse."""
    found: datetime | None = await connection.scalar(
        select(func.max(col(SentCommand.sent_at)))
        .where(col(SentCommand.charge_point_id) == charge_point_id)
        .where(col(SentCommand.operation) == OperationName.RESET)
        .where(or_(col(SentCommand.reply).is_(None), col(SentCommand.reply).not_in(_REFUSED)))
    )
    return found


async def has_ended(connection: AsyncConnection, charge_point_id: str, transaction_id: str) -> bool:
    """Tell whether this transaction of the charge point is known to have stopped."""
    found = await connection.scalar(
        select(col(Transaction.id))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .where(col(Transaction.ocpp_id) == transaction_id)
        .where(col(Transaction.stopped_at).is_not(None))
    )
    return found is not None
