"""What keeps sign-in safe: sessions, revoked tokens, and counters that throttle attempts.

A token is good without the row of its session, as long as it is not revoked and of the account's
epoch; the row is what can be listed, and so taken back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import conflict_insert
from storage.models.accounts import AccountSession, RevokedToken, ThrottleWindow
from storage.rows import AccountRepository, Repository, Rows, record_of

MOST: Final = 200
"""Sessions of one account at a time: one more login ends the oldest, so that all can be listed."""
_session = record_of(AccountSession)


class RevokedTokens(Repository):
    """Tokens that were logged out before they expired."""

    async def revoke(self, token_id: str, *, expires_at: datetime, now: datetime) -> None:
        """Refuse the token from now on. Those that have expired anyway are forgotten."""
        await self._rows.those(RevokedToken, col(RevokedToken.expires_at) < now).remove()
        # Logged out twice at once it is revoked all the same.
        await self._rows.add_if_new(RevokedToken, token_id=token_id, expires_at=expires_at)

    async def is_revoked(self, token_id: str) -> bool:
        """Tell whether the token was logged out."""
        found = await self._rows.value(col(RevokedToken.token_id), token_id)
        return found is not None


class Throttles(Repository):
    """Counters of attempts in a window of time, shared by all API processes."""

    async def hit(self, key: str, *, window: timedelta, now: datetime) -> tuple[int, datetime]:
        """Count one attempt; return how many there were in its window, and when that ends.

        One statement counts, so attempts that arrive at once are all counted.
        """
        over = col(ThrottleWindow.window_ends_at) <= now
        statement = (
            conflict_insert(self._connection, ThrottleWindow)
            .values(key=key, count=1, window_ends_at=now + window)
            .on_conflict_do_update(
                index_elements=[col(ThrottleWindow.key)],
                set_={
                    "count": case((over, 1), else_=col(ThrottleWindow.count) + 1),
                    "window_ends_at": case(
                        (over, now + window), else_=col(ThrottleWindow.window_ends_at)
                    ),
                },
            )
            .returning(col(ThrottleWindow.count), col(ThrottleWindow.window_ends_at))
        )
        count, ends_at = await self._rows.one(statement)
        return count, ends_at

    async def clear(self, key: str) -> None:
        """Forget the attempts of a key, after one that succeeded."""
        await self._rows.at(ThrottleWindow, key).remove()

    async def give_back(self, key: str) -> None:
        """Forget one attempt of a key, which has succeeded."""
        await self._rows.at(ThrottleWindow, key, col(ThrottleWindow.count) > 0).set(
            count=col(ThrottleWindow.count) - 1
        )

    async def purge(self, now: datetime) -> None:
        """Forget windows that are over."""
        await self._rows.those(ThrottleWindow, col(ThrottleWindow.window_ends_at) < now).remove()


class AccountSessions(AccountRepository):
    """Repository of one account's sessions: where it is logged in, as a person recognises it."""

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
        return await self._end(col(AccountSession.id) == session_id, now) > 0

    async def end_others(self, kept: str, *, now: datetime) -> int:
        """Void the tokens of every session but one; return how many there were."""
        return await self._end(col(AccountSession.id) != kept, now)

    async def forget_all(self) -> None:
        """List none any more: another epoch has voided their tokens."""
        mine = col(AccountSession.account_id) == self._account_id
        await self._rows.those(AccountSession, mine).remove()

    async def _end(self, which: ColumnElement[bool], now: datetime) -> int:
        rows = await self._rows.all(self._mine(AccountSession).where(which))
        for row in rows:
            await RevokedTokens(self._connection).revoke(row.id, expires_at=row.expires_at, now=now)
            await self._rows.at(AccountSession, row.id).remove()
        return len(rows)


async def forget_sessions(connection: AsyncConnection, *, now: datetime) -> None:
    """Forget those whose tokens have expired."""
    await Rows(connection).those(AccountSession, col(AccountSession.expires_at) < now).remove()
