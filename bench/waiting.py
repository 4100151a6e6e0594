"""What runs cost that wait for dark charge points, and how soon one that shows up is checked."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles
from typing import Final

from sqlalchemy import text

from bench.plant import AT_ONCE, Plant
from domain.commissioning import Registered, RunOptions
from domain.states import CheckName
from storage.runs import Runs

PACE: Final = 0.2
_LONG: Final = RunOptions(pace=AT_ONCE, wait_for_connection=timedelta(days=1))


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """``memory`` in MiB and ``cpu`` in CPU seconds an hour, of each process, grown or used."""

    runs: int
    memory: dict[str, float]
    cpu: dict[str, float]
    seconds_to_start: float
    noticed: list[float]
    """Seconds from the connection of a charge point to its first check."""

    @property
    def noticed_p95(self) -> float:
        """95th percentile of those."""
        return quantiles(self.noticed, n=20)[-1]

    @property
    def noticed_median(self) -> float:
        """Median of those."""
        return median(self.noticed)


async def measure(it: Plant, *, runs: int, arrivals: int, idle: float, concurrent: int) -> Waiting:
    """Start runs of dark charge points, look at the idle processes, then let some connect."""
    fresh = await it.register(runs)
    before = it.memory_mib()
    clock = asyncio.get_running_loop().time
    began = clock()
    places = asyncio.Semaphore(concurrent)

    async def start(one: Registered) -> None:
        async with places:
            await it.start(one, _LONG)

    await asyncio.gather(*(start(one) for one in fresh))
    await _all_wait(it, runs)
    started = clock() - began
    after = it.memory_mib()
    used = it.cpu_seconds()
    await asyncio.sleep(idle)
    cpu = {name: (now - used[name]) / idle * 3600 for name, now in it.cpu_seconds().items()}
    noticed = await _arrive(it, fresh[:: max(runs // arrivals, 1)][:arrivals])
    return Waiting(
        runs=runs,
        memory={name: after[name] - before[name] for name in after},
        cpu=cpu,
        seconds_to_start=started,
        noticed=noticed,
    )


async def _all_wait(it: Plant, runs: int) -> None:
    """Wait until every run has begun to watch its charge point."""
    query = text("SELECT count(*) FROM charge_points WHERE watched_by IS NOT NULL")
    while True:
        async with it.database.read() as connection:
            if (await connection.scalar(query) or 0) >= runs:
                return
        await asyncio.sleep(0.5)


async def _arrive(it: Plant, coming: list[Registered]) -> list[float]:
    """Connect one after the other; read from the records when their first check began."""
    connected = []
    for one in coming:
        connected.append(it.switch_on(one))
        await asyncio.sleep(PACE)
    times = await asyncio.gather(*connected)
    for one in coming:
        await it.handle(one).result()
    noticed = []
    async with it.database.read() as connection:
        for one, at in zip(coming, times, strict=True):
            run = await Runs(connection).latest(one.charge_point_id)
            assert run is not None
            assert run.view is not None
            (first,) = [c for c in run.view.checks if c.name is CheckName.OCPP_HANDSHAKE]
            assert first.started_at is not None
            noticed.append(first.started_at.timestamp() - at)
    return noticed
