"""Commands with an effect: a row per intent, committed before the command leaves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.operations import OperationName, Outcome, Reply
from storage.models.configuration import SentCommand
from storage.models.transactions import Transaction
from storage.rows import Rows

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
    if await Rows(connection).add_if_new(SentCommand, command, sent_at=command.at):
        return None
    row = await Rows(connection).get(SentCommand, command.intent)
    if row.reply is None:
        return Outcome(reply=Reply.UNKNOWN, detail="The reply was lost with the node that sent it.")
    return Outcome(reply=Reply(row.reply), detail=row.detail)


async def store_reply(connection: AsyncConnection, intent: str, outcome: Outcome) -> None:
    """Keep how the charge point took it."""
    command = Rows(connection).at(SentCommand, intent)
    await command.set(reply=outcome.reply, detail=outcome.detail and outcome.detail[:500])


async def release(connection: AsyncConnection, intent: str) -> None:
    """Give the right back: the command certainly never left."""
    await Rows(connection).at(SentCommand, intent, col(SentCommand.reply).is_(None)).remove()


async def sent_at(connection: AsyncConnection, intent: str) -> datetime | None:
    """Return when the command was sent; None when it was not."""
    return await Rows(connection).value(col(SentCommand.sent_at), intent)


async def last_reset(connection: AsyncConnection, charge_point_id: str) -> datetime | None:
    """Return when it was last told to restart, and did not refuse."""
    return await connection.scalar(
        select(func.max(col(SentCommand.sent_at)))
        .where(col(SentCommand.charge_point_id) == charge_point_id)
        .where(col(SentCommand.operation) == OperationName.RESET)
        .where(or_(col(SentCommand.reply).is_(None), col(SentCommand.reply).not_in(_REFUSED)))
    )


async def has_ended(connection: AsyncConnection, charge_point_id: str, transaction_id: str) -> bool:
    """Tell whether this transaction of the charge point is known to have stopped."""
    found = await connection.scalar(
        select(col(Transaction.id))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .where(col(Transaction.ocpp_id) == transaction_id)
        .where(col(Transaction.stopped_at).is_not(None))
    )
    return found is not None
