"""The sessions of an account: where it is logged in, as a person recognises it.

A token is good without its row, as long as it is not revoked (:mod:`storage.sessions`) and of the
account's epoch; the row is what can be listed, and so taken back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.models.accounts import AccountSession
from storage.rows import AccountRepository, record_of
from storage.sessions import RevokedTokens

MOST: Final = 200
"""Sessions of one account at a time: one more login ends the oldest, so that all can be listed."""


_session = record_of(AccountSession)


class AccountSessions(AccountRepository):
    """Repository of one account's sessions."""

    async def open(self, session: AccountSession) -> None:
        """List a new session; the oldest is ended where there are as many as may be."""
        await self._rows.add(AccountSession, session)
        newest_first = col(AccountSession.id).desc()
        beyond = self._mine(AccountSession).order_by(newest_first).offset(MOST)
        ids = [row.id for row in await self._rows.all(beyond)]
        if ids:
            await self._end(col(AccountSession.id).in_(ids), session.created_at)

    async def page(
        self, *, now: datetime, before: str | None, limit: int
    ) -> Sequence[AccountSession]:
        """Return those that have not expired, newest first, older than the id ``before``."""
        query = self._mine(AccountSession).where(col(AccountSession.expires_at) > now)
        return await self._rows.read_newest(
            query, _session, key=col(AccountSession.id), before=before, limit=limit
        )

    async def end(self, session_id: str, *, now: datetime) -> bool:
        """Void the token of a session; False where the account has no such session."""
        found = await self._end(col(AccountSession.id) == session_id, now)
        return found > 0

    async def end_others(self, kept: str, *, now: datetime) -> int:
        """Void the tokens of every session but one; return how many there were."""
        return await self._end(col(AccountSession.id) != kept, now)

    async def forget_all(self) -> None:
        """List none any more: another epoch has voided their tokens."""
        those = self._rows.those(AccountSession, col(AccountSession.account_id) == self._account_id)
        await those.remove()

    async def _end(self, which: ColumnElement[bool], now: datetime) -> int:
        rows = await self._rows.all(self._mine(AccountSession).where(which))
        for row in rows:
            await RevokedTokens(self._connection).revoke(row.id, expires_at=row.expires_at, now=now)
            await self._rows.at(AccountSession, row.id).remove()
        return len(rows)


async def forget_sessions(connection: AsyncConnection, *, now: datetime) -> None:
    """Forget those whose tokens have expired."""
    await connection.execute(delete(AccountSession).where(col(AccountSession.expires_at) < now))
