"""What keeps sign-in safe: revoked tokens, and counters that throttle attempts."""

from datetime import datetime, timedelta

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import revoked_tokens, throttles


class RevokedTokens:
    """Tokens that were logged out before they expired."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def revoke(self, token_id: str, *, expires_at: datetime, now: datetime) -> None:
        """Refuse the token from now on. Those that have expired anyway are forgotten."""
        await self._connection.execute(
            delete(revoked_tokens).where(revoked_tokens.c.expires_at < now)
        )
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    insert(revoked_tokens).values(token_id=token_id, expires_at=expires_at)
                )
        except IntegrityError:  # logged out twice at once: revoked all the same
            return

    async def is_revoked(self, token_id: str) -> bool:
        """Tell whether the token was logged out."""
        found = await self._connection.scalar(
            select(revoked_tokens.c.token_id).where(revoked_tokens.c.token_id == token_id)
        )
        return found is not None


class Throttles:
    """Counters of attempts in a window of time, shared by all API processes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hit(self, key: str, *, window: timedelta, now: datetime) -> tuple[int, datetime]:
        """Count one attempt; return how many there were in its window, and when that ends.

        One statement counts, so attempts that arrive at once are all counted.
        """
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        over = throttles.c.window_ends_at <= now
        statement = (
            build(throttles)
            .values(key=key, count=1, window_ends_at=now + window)
            .on_conflict_do_update(
                index_elements=[throttles.c.key],
                set_={
                    "count": case((over, 1), else_=throttles.c.count + 1),
                    "window_ends_at": case((over, now + window), else_=throttles.c.window_ends_at),
                },
            )
            .returning(throttles.c.count, throttles.c.window_ends_at)
        )
        count, ends_at = (await self._connection.execute(statement)).one()
        return count, ends_at

    async def clear(self, key: str) -> None:
        """Forget the attempts of a key, after one that succeeded."""
        await self._connection.execute(delete(throttles).where(throttles.c.key == key))

    async def give_back(self, key: str) -> None:
        """Forget one attempt of a key, which has succeeded."""
        await self._connection.execute(
            update(throttles)
            .where(throttles.c.key == key)
            .where(throttles.c.count > 0)
            .values(count=throttles.c.count - 1)
        )

    async def purge(self, now: datetime) -> None:
        """Forget windows that are over."""
        await self._connection.execute(delete(throttles).where(throttles.c.window_ends_at < now))
