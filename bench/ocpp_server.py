"""What one OCPP node carries, beside a plain server of the stock ``ocpp`` and ``websockets``.

Three measurements, the same client for each server:

- messages per second and core: half Heartbeat, half MeterValues with three samples, divided by
  the CPU seconds of the server's process (ours validates and stores them, the stock server
  validates them);
- memory per idle connection: growth of the process's own pages (USS) over the connections;
- a restart: all charge points connect at once, boot and report their connectors.

Run ``make bench``, or ``python bench/ocpp_server.py --quick`` for a small one. The exit code is 1
when a bound is missed: 6 times the stock server's messages, no more memory, every boot answered.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import psutil
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

_ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(_ROOT)  # beside this file, its own name would hide the package ocpp_server

from bench.fleet import Fleet, Outcome, in_loop  # noqa: E402 - the path comes first
from storage.models.accounts import Account  # noqa: E402
from storage.models.base import TableModel  # noqa: E402
from storage.models.charge_points import ChargePoint  # noqa: E402
from storage.models.projects import Project  # noqa: E402
from storage.models.transactions import MeterValue  # noqa: E402

SPEEDUP_BOUND = 6.0
MEMORY_BOUND = 1.0
_WARM: Final = 10
_TOGETHER: Final = 1000
"""So many idle ones come at once: what is made at first use is shared by all."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of each."""

    chargers: int = 200
    seconds: float = 3.0
    rounds: int = 5
    idle: int = 4000
    storm: int = 2000


QUICK = Sizes(chargers=20, seconds=0.5, rounds=1, idle=50, storm=100)


@dataclass(kw_only=True)
class Figures:
    """What was measured of one server."""

    messages_per_core: list[float] = field(default_factory=list)
    messages_per_second: list[float] = field(default_factory=list)
    memory_kib: float = 0.0
    storm_seconds: float = 0.0
    boots_answered: int = 0
    meter_values: int = 0
    errors: int = 0
    first_error: str = ""

    def count(self, outcome: Outcome) -> None:
        """Add what went wrong."""
        self.errors += outcome.errors
        self.first_error = self.first_error or outcome.first_error


@contextmanager
def server(kind: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run a server; give its process id and port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.servers", kind, *arguments],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def measure_throughput(kind: str, arguments: Sequence[str], sizes: Sizes, figures: Figures) -> None:
    """Load a fresh server for some seconds and relate the replies to its CPU time."""
    with server(kind, *arguments) as (pid, port):
        process = psutil.Process(pid)
        cpu: list[float] = []

        async def load() -> Outcome:
            fleet = Fleet(port, identities(sizes.chargers))
            await fleet.connect()
            await fleet.load(min(1.0, sizes.seconds))  # caches warm, statements compiled
            figures.meter_values += fleet.outcome.meter_values
            before = process.cpu_times()
            await fleet.load(sizes.seconds)
            after = process.cpu_times()
            cpu.append(after.user + after.system - before.user - before.system)
            fleet.close()
            return fleet.outcome

        outcome = in_loop(load)
    figures.messages_per_core.append(outcome.replies / cpu[0])
    figures.messages_per_second.append(outcome.replies / outcome.seconds)
    figures.meter_values += outcome.meter_values
    figures.count(outcome)


def measure_memory(kind: str, arguments: Sequence[str], sizes: Sizes, figures: Figures) -> None:
    """Growth of the server's own pages by connections that booted and are idle."""
    with server(kind, *arguments) as (pid, port):
        process = psutil.Process(pid)
        grown: list[int] = []

        async def idle() -> Outcome:
            warm = Fleet(port, identities(_WARM))
            await warm.connect()
            warm.close()
            await asyncio.sleep(1)
            before = process.memory_full_info().uss
            fleets, everybody = [], identities(sizes.idle)
            for first in range(0, sizes.idle, _TOGETHER):
                fleets.append(Fleet(port, everybody[first : first + _TOGETHER]))
                await fleets[-1].connect()
                figures.count(fleets[-1].outcome)
            await asyncio.sleep(1)
            grown.append(process.memory_full_info().uss - before)
            for fleet in fleets:
                fleet.close()
            return warm.outcome

        figures.count(in_loop(idle))
    figures.memory_kib = grown[0] / sizes.idle / 1024


def measure_storm(kind: str, arguments: Sequence[str], sizes: Sizes, figures: Figures) -> None:
    """All charge points come at once to a server that has just started."""
    with server(kind, *arguments) as (_pid, port):

        async def storm() -> Outcome:
            fleet = Fleet(port, identities(sizes.storm))
            await fleet.connect()
            fleet.close()
            return fleet.outcome

        outcome = in_loop(storm)
    figures.storm_seconds = outcome.ready_after
    figures.boots_answered = outcome.boots_answered
    figures.count(outcome)


def identities(count: int) -> list[str]:
    """Ids of that many charge points."""
    return [f"cp_{number:026d}" for number in range(count)]


async def prepare(database_url: str, count: int) -> None:
    """Make the tables and register charge points."""
    now = datetime.now(UTC)
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(TableModel.metadata.create_all)
        await connection.execute(
            insert(Account).values(
                id="usr_bench",
                role="installer",
                email="bench@example.org",
                name="Bench",
                password_hash="",
                created_at=now,
            )
        )
        await connection.execute(
            insert(Project).values(
                id="prj_bench",
                installer_id="usr_bench",
                name="Bench",
                address="",
                site_owner_email="owner@example.org",
                status="in_progress",
                created_at=now,
            )
        )
        await connection.execute(
            insert(ChargePoint),
            [
                {
                    "id": identity,
                    "project_id": "prj_bench",
                    "serial_number": identity,
                    "serial_key": identity,
                    "model": "Terra AC W22",
                    "vendor": "ABB",
                    "ocpp_version": "1.6",
                    "status": "registered",
                    "created_at": now,
                    "provisioned_at": now,
                }
                for identity in identities(count)
            ],
        )
    await engine.dispose()


async def stored_meter_values(database_url: str) -> int:
    """Count the rows: every MeterValues that was answered has one."""
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        count = await connection.scalar(select(func.count()).select_from(MeterValue))
    await engine.dispose()
    return count or 0


def report(sizes: Sizes, ours: Figures, stock: Figures, *, stored: int, judge: bool) -> int:
    """Print the table; return the exit code."""
    ratios = [
        mine / theirs
        for mine, theirs in zip(ours.messages_per_core, stock.messages_per_core, strict=True)
    ]
    speedup, memory = median(ratios), ours.memory_kib / stock.memory_kib
    slower = ours.storm_seconds / stock.storm_seconds
    rows = [
        ("", "this engine", "stock ocpp", "ratio"),
        (
            "messages / s / core",
            f"{median(ours.messages_per_core):,.0f}",
            f"{median(stock.messages_per_core):,.0f}",
            f"{speedup:.1f} x  ({min(ratios):.1f} to {max(ratios):.1f})",
        ),
        (
            "messages / s, as driven",
            f"{median(ours.messages_per_second):,.0f}",
            f"{median(stock.messages_per_second):,.0f}",
            "",
        ),
        (
            "KiB per idle connection",
            f"{ours.memory_kib:.1f}",
            f"{stock.memory_kib:.1f}",
            f"{memory:.2f} x",
        ),
        (
            f"restart, {sizes.storm:,} at once",
            f"{ours.storm_seconds:.1f} s",
            f"{stock.storm_seconds:.1f} s",
            f"{slower:.2f} x",
        ),
        ("  boots answered", f"{ours.boots_answered:,}", f"{stock.boots_answered:,}", ""),
        ("MeterValues stored", f"{stored:,}", "none", ""),
    ]
    for name, mine, theirs, ratio in rows:
        print(f"{name:<26}{mine:>14}{theirs:>14}   {ratio}".rstrip())
    print(f"\n{sizes.chargers} charge points under load, {sizes.rounds} round(s), medians.")
    bounds = {
        f"every message answered {ours.first_error}".strip(): not ours.errors,
        "every boot of the storm answered": ours.boots_answered == sizes.storm,
        f"all {ours.meter_values:,} answered MeterValues stored": stored >= ours.meter_values,
        f"{SPEEDUP_BOUND:g} times the messages": not judge or speedup >= SPEEDUP_BOUND,
        "no more memory per connection": not judge or memory <= MEMORY_BOUND,
    }
    for bound, held in bounds.items():
        if not held:
            print(f"MISSED: {bound}")
    return 0 if all(bounds.values()) else 1


def read_sizes() -> tuple[Sizes, bool]:
    """Read the command line; and whether speed and memory are judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; only answers are judged")
    for field_name, what in (
        ("chargers", "charge points under load"),
        ("rounds", "rounds of load on each server"),
        ("idle", "idle connections"),
        ("storm", "charge points that reconnect at once"),
    ):
        parser.add_argument(f"--{field_name}", type=int, help=what)
    parser.add_argument("--seconds", type=float, help="how long the load of a round lasts")
    given = vars(parser.parse_args())
    quick = bool(given.pop("quick"))
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if quick else Sizes(), **chosen), not quick


def main() -> int:
    """Measure both."""
    sizes, judge = read_sizes()
    ours, stock = Figures(), Figures()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/bench.sqlite3"
        asyncio.run(prepare(url, max(sizes.chargers, sizes.idle, sizes.storm, _WARM)))
        contest: tuple[tuple[str, tuple[str, ...], Figures], ...] = (
            ("ours", (url,), ours),
            ("stock", (), stock),
        )
        # In turn, so that both see the same weather on a machine that others use as well.
        for _ in range(sizes.rounds):
            for kind, arguments, figures in contest:
                measure_throughput(kind, arguments, sizes, figures)
        for kind, arguments, figures in contest:
            measure_memory(kind, arguments, sizes, figures)
            measure_storm(kind, arguments, sizes, figures)
        stored = asyncio.run(stored_meter_values(url))
    code = report(sizes, ours, stock, stored=stored, judge=judge)
    print(f"Took {time.perf_counter() - begun:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
