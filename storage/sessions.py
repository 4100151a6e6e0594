"""What keeps sign-in safe: revoked tokens, and counters that throttle attempts."""

from datetime import datetime, timedelta

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.models.accounts import RevokedToken, ThrottleWindow
from storage.rows import Repository


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
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        over = col(ThrottleWindow.window_ends_at) <= now
        statement = (
            build(ThrottleWindow)
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
