"""What has happened to an account: written with the change that it tells of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import String, delete, insert, literal, select
from sqlmodel import col
from sqlmodel.sql.sqltypes import UTCDateTime

from domain.accounts import AccountEvent
from storage.models.accounts import Account, AccountEventRow
from storage.rows import AccountRepository, record_of

KEPT: Final = 1000
"""The newest events of an account that are kept."""


_happened = record_of(AccountEventRow)


class AccountEvents(AccountRepository):
    """Repository of one account's history."""

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

    async def page(self, *, before: int | None, limit: int) -> Sequence[AccountEventRow]:
        """Return events, newest first, older than the number ``before``."""
        events = self._mine(AccountEventRow)
        return await self._rows.read_newest(
            events, _happened, key=col(AccountEventRow.id), before=before, limit=limit
        )
