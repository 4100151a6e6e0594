"""What a commissioning run costs, beside a bare workflow on the same Temporal.

The yardstick is a workflow of five sequential activities that do nothing (:mod:`bench.bare`). The
runs are the real thing: all processes of `dynamo up` on SQLite, and charge points over sockets that
answer at once, each commissioned for the first time. Both take turns, so that both see the same
weather on a machine that others use as well.

Run ``make bench-engine``, or ``python bench/engine.py --quick`` for a small one. The exit code is 1
when a bound is missed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import uvloop

_ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(_ROOT)  # beside this file, its own name would hide the package ocpp_server

from bench.plant import Plant, plant  # noqa: E402 - the path comes first

DURATION_BOUND: Final = 1.5
RATE_BOUND: Final = 0.5
_Work = Callable[[], Awaitable[float]]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of each."""

    runs: int = 40
    rounds: int = 5
    batch: int = 150
    concurrent: int = 50
    warm: int = 5


QUICK = Sizes(runs=5, rounds=1, batch=10, concurrent=5)


@dataclass(kw_only=True)
class Figures:
    """What was measured; seconds, and workflows per second."""

    bare_seconds: list[float] = field(default_factory=list)
    run_seconds: list[float] = field(default_factory=list)
    bare_rates: list[float] = field(default_factory=list)
    run_rates: list[float] = field(default_factory=list)
    bare_cpu: list[dict[str, float]] = field(default_factory=list)
    run_cpu: list[dict[str, float]] = field(default_factory=list)

    @property
    def duration_ratio(self) -> float:
        """Measure 1: a run over a bare workflow."""
        return median(self.run_seconds) / median(self.bare_seconds)

    @property
    def rate_ratio(self) -> float:
        """Measure 2: runs per second over bare workflows per second."""
        return median(self.run_rates) / median(self.bare_rates)


async def measure_duration(it: Plant, sizes: Sizes, figures: Figures) -> None:
    """Measure 1: one at a time, a bare workflow and a run in turn."""
    fresh = await it.register(sizes.warm + sizes.runs)
    await it.online(fresh)
    for one in fresh[: sizes.warm]:  # imports, caches, statements compiled
        await it.bare()
        await it.run(one)
    for one in fresh[sizes.warm :]:
        figures.bare_seconds.append(await it.bare())
        figures.run_seconds.append(await it.run(one))


async def measure_rate(it: Plant, sizes: Sizes, figures: Figures) -> None:
    """Measure 2: many at a time, a batch of bare workflows and a batch of runs in turn."""
    for _ in range(sizes.rounds):
        fresh = await it.register(sizes.batch)
        await it.online(fresh)
        bare: list[_Work] = [it.bare] * sizes.batch
        runs: list[_Work] = [partial(it.run, one) for one in fresh]
        for work, rates, cpu in (
            (bare, figures.bare_rates, figures.bare_cpu),
            (runs, figures.run_rates, figures.run_cpu),
        ):
            before, begun = it.cpu_seconds(), time.perf_counter()
            await _side_by_side(work, sizes.concurrent)
            rates.append(sizes.batch / (time.perf_counter() - begun))
            after = it.cpu_seconds()
            cpu.append({name: (after[name] - before[name]) / sizes.batch for name in after})


async def _side_by_side(work: list[_Work], concurrent: int) -> None:
    places = asyncio.Semaphore(concurrent)

    async def take(one: _Work) -> None:
        async with places:
            await one()

    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(take(one))


def report(sizes: Sizes, figures: Figures, *, judge: bool) -> int:
    """Print the table; return the exit code."""
    rows = [
        ("", "run", "bare", "ratio"),
        (
            "seconds, one at a time",
            f"{median(figures.run_seconds):.3f}",
            f"{median(figures.bare_seconds):.3f}",
            f"{figures.duration_ratio:.2f} (at most {DURATION_BOUND:g})",
        ),
        (
            f"per second, {sizes.concurrent} at a time",
            f"{median(figures.run_rates):.1f}",
            f"{median(figures.bare_rates):.1f}",
            f"{figures.rate_ratio:.2f} (at least {RATE_BOUND:g})",
        ),
    ]
    for process in figures.run_cpu[0]:
        run = median(cpu[process] for cpu in figures.run_cpu)
        bare = median(cpu[process] for cpu in figures.bare_cpu)
        rows.append((f"  CPU ms of {process}", f"{run * 1000:.1f}", f"{bare * 1000:.1f}", ""))
    for name, mine, theirs, ratio in rows:
        print(f"{name:<30}{mine:>10}{theirs:>10}   {ratio}".rstrip())
    print(
        f"\nMedians of {sizes.runs} in turn, and of {sizes.rounds} rounds of {sizes.batch}; "
        f"run {_spread(figures.run_seconds)} s, bare {_spread(figures.bare_seconds)} s."
    )
    bounds = {
        f"a run within {DURATION_BOUND:g} bare workflows": figures.duration_ratio <= DURATION_BOUND,
        f"{RATE_BOUND:g} of the bare rate": figures.rate_ratio >= RATE_BOUND,
    }
    missed = [bound for bound, held in bounds.items() if judge and not held]
    for bound in missed:
        print(f"MISSED: {bound}")
    return 1 if missed else 0


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 10]:.3f} to {ordered[len(ordered) * 9 // 10]:.3f}"


async def measure(sizes: Sizes) -> Figures:
    """Measure everything."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        async with plant(Path(folder)) as it:
            await measure_duration(it, sizes, figures)
            await measure_rate(it, sizes, figures)
    return figures


def read_sizes() -> tuple[Sizes, bool]:
    """Read the command line; and whether the bounds are judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; no bound is judged")
    for field_name, what in (
        ("runs", "runs one at a time"),
        ("rounds", "rounds of many at a time"),
        ("batch", "runs in a round"),
        ("concurrent", "runs at a time in a round"),
    ):
        parser.add_argument(f"--{field_name}", type=int, help=what)
    given = vars(parser.parse_args())
    quick = bool(given.pop("quick"))
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if quick else Sizes(), **chosen), not quick


def main() -> int:
    """Measure and report."""
    sizes, judge = read_sizes()
    begun = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(sizes))
    code = report(sizes, figures, judge=judge)
    print(f"Took {time.perf_counter() - begun:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
