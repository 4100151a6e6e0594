"""What has happened to an account: written with the change that it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.accounts import AccountEvent
from storage.tables import account_events, accounts

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
            insert(account_events).from_select(
                ["account_id", "at", "event", "token_epoch", "address"],
                select(
                    accounts.c.id,
                    literal(at, account_events.c.at.type),
                    literal(event.value),
                    accounts.c.token_epoch,
                    literal(address, account_events.c.address.type),
                ).where(accounts.c.id == self._account_id),
            )
        )
        beyond = (
            select(account_events.c.id)
            .where(account_events.c.account_id == self._account_id)
            .order_by(account_events.c.id.desc())
            .offset(KEPT)
            .limit(1)
            .scalar_subquery()
        )
        await self._connection.execute(
            delete(account_events)
            .where(account_events.c.account_id == self._account_id)
            .where(account_events.c.id <= beyond)
        )

    async def page(self, *, before: int | None, limit: int) -> Sequence[Happened]:
        """Return events, newest first, older than the number ``before``."""
        query = select(account_events).where(account_events.c.account_id == self._account_id)
        if before is not None:
            query = query.where(account_events.c.id < before)
        rows = await self._connection.execute(
            query.order_by(account_events.c.id.desc()).limit(limit)
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
