"""What the reconciler and the dispatcher cost beside many open runs, by the number of workers.

The runs are rows and workflows on a queue that nobody serves, so all CPU time of the workers,
and of Temporal, is that of the rounds. ``python -m bench.open_runs --runs 10000 --workers 1 3``
"""

import argparse
import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil
import uvloop

from bench.plant import ROOT, Plant, plant
from domain.commissioning import Registered, RunOptions, RunRequest, RunToStart
from domain.ids import Prefix, new_id
from domain.names import commissioning_workflow_id
from domain.ownership import Owner
from storage.ownership import take
from storage.runs import Runs
from temporal import starts

_NOBODY: Final = "bench-nobody"
_AT_ONCE: Final = 20
_PATIENT: Final = timedelta(minutes=1)
_SETTLE: Final = 70.0
"""Seconds until every worker has begun its rounds."""


async def open_runs(it: Plant, count: int) -> None:
    """Workflows first: the reconciler would start those of rows that have none."""
    fresh = await it.register(count)
    places = asyncio.Semaphore(_AT_ONCE)
    requests = {one.charge_point_id: _request(it, one) for one in fresh}

    async def start(one: Registered) -> None:
        async with places:
            run = RunToStart(request=requests[one.charge_point_id], registered=one)
            assert await starts.run(run).begin(it.client, _NOBODY, rpc_timeout=_PATIENT)

    await asyncio.gather(*(start(one) for one in fresh))
    async with it.database.write() as connection:
        for identity, request in requests.items():
            await Runs(connection).create_starting(request)
            await Runs(connection).begin(request.commissioning_id, id_tag="A1")
            owner = Owner(workflow_id=commissioning_workflow_id(identity), execution="its first")
            await take(connection, identity, owner=owner, run=request.commissioning_id)


def _request(it: Plant, one: Registered) -> RunRequest:
    return RunRequest(
        commissioning_id=new_id(Prefix.COMMISSIONING),
        charge_point_id=one.charge_point_id,
        project_id=it.project_id,
        installer_id=it.installer_id,
        started_by="bench@example.com",
        started_at=datetime.now(UTC),
        options=RunOptions(),
    )


async def measure(runs: int, workers: list[int], idle: float) -> None:
    """Print CPU seconds an hour of Temporal and of all workers."""
    with tempfile.TemporaryDirectory() as folder:
        async with plant(Path(folder)) as it, AsyncExitStack() as more:
            began = time.perf_counter()
            await open_runs(it, runs)
            print(f"{runs:,} open runs after {time.perf_counter() - began:.0f} s", flush=True)
            there = [it.processes["worker"]]
            for wanted in sorted(workers):
                while len(there) < wanted:
                    there.append(psutil.Process((await _worker(it, more)).pid))
                await asyncio.sleep(_SETTLE)
                watched = {"temporal": [it.processes["temporal"]], "workers": there}
                before = {name: _cpu(processes) for name, processes in watched.items()}
                await asyncio.sleep(idle)
                hourly = {
                    name: (_cpu(processes) - before[name]) / idle * 3600
                    for name, processes in watched.items()
                }
                told = "   ".join(f"{name} {used:7.1f}" for name, used in hourly.items())
                print(f"{wanted} workers, CPU s an hour:   {told}", flush=True)


def _cpu(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


async def _worker(it: Plant, stack: AsyncExitStack) -> Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "worker"),
        cwd=ROOT,
        env=it.stack.environment | {"DYNAMO_WORKER_PORT": "0"},
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )

    async def end() -> None:
        process.terminate()
        await process.wait()

    stack.push_async_callback(end)
    return process


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--idle", type=float, default=120.0, help="seconds of each look")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.runs, given.workers, given.idle))


if __name__ == "__main__":
    main()
