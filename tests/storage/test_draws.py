"""What a session draws is read from its newest meter values."""

from datetime import timedelta

import pytest

from domain.power.facts import DrawsQuestion, Watched
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.power_sharing import StoredPowerSharing
from tests.support.billing import Site, at


@pytest.fixture
async def site(database: Database) -> Site:
    made = Site(database)
    await made.begin()
    return made


async def test_without_a_power_the_register_tells_by_how_fast_it_rises(site: Site) -> None:
    running = await site.start()
    records = StoredPowerSharing(site.database, load_catalogue(), now=lambda: site.now)

    async def drawn(since: timedelta) -> dict[int, float]:
        watched = Watched(number=running, since=at("2026-05-02T09:00") + since)
        return (await records.read_draws(DrawsQuestion(watched=(watched,)))).watts

    assert await drawn(timedelta()) == {}
    for minute in range(1, 5):
        site.now = at(f"2026-05-02T09:0{minute}")
        await site.values(running, (f"2026-05-02T09:0{minute}", 1000 + 200 * minute))
    assert await drawn(timedelta()) == {running: pytest.approx(12_000)}
    assert await drawn(timedelta(minutes=3.5)) == {}, "one reading is no rise"
    assert await drawn(timedelta(minutes=9)) == {}
