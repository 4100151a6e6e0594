import asyncio
from datetime import UTC, datetime, timedelta

from storage.engine import Database
from storage.sessions import RevokedTokens, Throttles

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


async def hit(database: Database, *, at: datetime = NOW) -> tuple[int, datetime]:
    async with database.write() as connection:
        return await Throttles(connection).hit("key", window=WINDOW, now=at)


async def test_attempts_are_counted_until_their_window_ends(database: Database) -> None:
    assert [await hit(database) for _ in range(3)] == [(n, NOW + WINDOW) for n in (1, 2, 3)]
    assert await hit(database, at=NOW + timedelta(minutes=5)) == (4, NOW + WINDOW)
    assert await hit(database, at=NOW + WINDOW) == (1, NOW + 2 * WINDOW)  # a new window


async def test_attempts_at_once_are_all_counted(database: Database) -> None:
    results = await asyncio.gather(*(hit(database) for _ in range(12)))
    assert sorted(count for count, _ in results) == list(range(1, 13))


async def test_a_success_clears(database: Database) -> None:
    for _ in range(3):
        await hit(database)
    async with database.write() as connection:
        await Throttles(connection).clear("key")
    assert await hit(database) == (1, NOW + WINDOW)


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
