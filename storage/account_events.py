"""What has happened to an account: written with the change that it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import String, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.sql.sqltypes import UTCDateTime

from domain.accounts import AccountEvent
from storage.models.accounts import Account, AccountEventRow

KEPT: Final = 1000
"""The newest events of an account that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One event. ``token_epoch`` is the account's after it; ``address`` None: the engine's own."""

    id: int
    at: datetime
    event: AccountEvent
    token_epoch: int
    address: str | None


class AccountEvents:
    """Repository of one account's history."""

    def __init__(self, connection: AsyncConnection, account_id: str) -> None:
        self._connection = connection
        self._account_id = account_id

    async def write(self, event: AccountEvent, *, at: datetime, address: str | None) -> None:
        """Add an event, in the transaction of the change."""
        await self._connection.execute(
            insert(AccountEventRow).from_select(
                ["account_id", "at", "event", "token_epoch", "address"],
                select(
                    col(Account.id),
                    literal(at, UTCDateTime),
                    literal(event.value),
                    col(Account.token_epoch),
                    literal(address, String),
                ).where(col(Account.id) == self._account_id),
            )
        )
        beyond = (
            select(col(AccountEventRow.id))
            .where(col(AccountEventRow.account_id) == self._account_id)
            .order_by(col(AccountEventRow.id).desc())
            .offset(KEPT)
            .limit(1)
            .scalar_subquery()
        )
        await self._connection.execute(
            delete(AccountEventRow)
            .where(col(AccountEventRow.account_id) == self._account_id)
            .where(col(AccountEventRow.id) <= beyond)
        )

    async def page(self, *, before: int | None, limit: int) -> Sequence[Happened]:
        """Return events, newest first, older than the number ``before``."""
        query = select(AccountEventRow.__table__).where(
            col(AccountEventRow.account_id) == self._account_id
        )
        if before is not None:
            query = query.where(col(AccountEventRow.id) < before)
        rows = await self._connection.execute(
            query.order_by(col(AccountEventRow.id).desc()).limit(limit)
        )
        return [
            Happened(
                id=row.id,
                at=row.at,
                event=AccountEvent(row.event),
                token_epoch=row.token_epoch,
                address=row.address,
            )
            for row in rows
        ]
