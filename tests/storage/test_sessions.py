import asyncio
from datetime import UTC, datetime, timedelta

from storage.engine import Database
from storage.sessions import RevokedTokens, Throttles

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


async def hit(database: Database, *, at: datetime = NOW, limit: int = 3) -> int | None:
    async with database.write() as connection:
        return await Throttles(connection).hit("key", limit=limit, window=WINDOW, now=at)


async def test_the_attempt_beyond_the_limit_waits_for_the_window(database: Database) -> None:
    assert [await hit(database) for _ in range(3)] == [None] * 3
    assert await hit(database, at=NOW + timedelta(minutes=5)) == 600
    assert await hit(database, at=NOW + WINDOW) is None  # a new window


async def test_attempts_at_once_are_all_counted(database: Database) -> None:
    results = await asyncio.gather(*(hit(database, limit=5) for _ in range(12)))
    assert results.count(None) == 5


async def test_a_success_clears(database: Database) -> None:
    for _ in range(3):
        await hit(database)
    async with database.write() as connection:
        await Throttles(connection).clear("key")
    assert await hit(database) is None


async def test_revoking_twice_at_once_is_harmless(database: Database) -> None:
    async def revoke() -> None:
        async with database.write() as connection:
            await RevokedTokens(connection).revoke("jti", expires_at=NOW + WINDOW, now=NOW)

    await asyncio.gather(revoke(), revoke())
    async with database.write() as connection:
        tokens = RevokedTokens(connection)
        assert await tokens.is_revoked("jti")
        assert not await tokens.is_revoked("other")
        # Once it has expired it is refused anyway, and forgotten.
        later = NOW + WINDOW + timedelta(seconds=1)
        await tokens.revoke("other", expires_at=later + WINDOW, now=later)
        assert not await tokens.is_revoked("jti")
