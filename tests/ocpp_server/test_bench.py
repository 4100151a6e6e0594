"""The benchmark runs, and what it counts as answered is stored."""

import asyncio
from pathlib import Path

from bench import ocpp_server as bench
from ocpp_server import acceptor

SIZES = bench.Sizes(chargers=5, seconds=0.2, rounds=1, idle=5, storm=5)


def test_the_benchmark_counts_what_is_stored(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/bench.sqlite3"
    asyncio.run(bench.prepare(url, SIZES.chargers))
    ours, stock = bench.Figures(), bench.Figures()
    bench.measure_throughput("ours", (url,), SIZES, ours)
    bench.measure_throughput("stock", (), SIZES, stock)
    assert (ours.errors, stock.errors) == (0, 0)
    assert asyncio.run(bench.stored_meter_values(url)) >= ours.meter_values > 0


def test_all_that_come_at_once_find_room_at_the_door() -> None:
    """Behind one address: of 1,024 places, half of them were sent away."""
    assert min(acceptor.SILENT, acceptor.ASKING) >= bench.Sizes().storm
