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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import uvloop

_ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(_ROOT)  # beside this file, its own name would hide the package ocpp_server

from bench import past, waiting  # noqa: E402 - the path comes first
from bench.plant import Plant, plant  # noqa: E402

DURATION_BOUND: Final = 1.5
RATE_BOUND: Final = 0.5
FLAT_BOUND: Final = 1.2
NOTICED_BOUND: Final = 2.0
_Work = Callable[[], Awaitable[float]]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of each."""

    runs: int = 40
    rounds: int = 5
    batch: int = 150
    concurrent: int = 50
    warm: int = 5
    past: int = 100_000
    waiting: int = 5_000
    arrivals: int = 100
    idle: float = 20.0


QUICK = Sizes(
    runs=3, rounds=1, batch=6, concurrent=3, warm=1, past=100, waiting=20, arrivals=5, idle=1.0
)


@dataclass(frozen=True, kw_only=True)
class Past:
    """Measure 3: the cost of a run beside the finished ones; ``cost`` in bare workflows."""

    finished: int
    cost: float
    events: float
    api_p95: float


@dataclass(kw_only=True)
class Figures:
    """What was measured; seconds, and workflows per second."""

    bare_seconds: list[float] = field(default_factory=list)
    run_seconds: list[float] = field(default_factory=list)
    bare_rates: list[float] = field(default_factory=list)
    run_rates: list[float] = field(default_factory=list)
    bare_cpu: list[dict[str, float]] = field(default_factory=list)
    run_cpu: list[dict[str, float]] = field(default_factory=list)

    before: Past | None = None
    after: Past | None = None
    dark: waiting.Waiting | None = None

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


async def measure_past(it: Plant, sizes: Sizes, figures: Figures) -> None:
    """Measure 3: with few finished runs, and with very many."""
    (like,) = fresh = await it.register(1)
    await it.online(fresh)
    await it.run(like)
    await past.fill(it, like, first=0, last=9)
    figures.before = await _look_at_past(it, sizes, finished=10)
    await past.fill(it, like, first=10, last=sizes.past - 1)
    figures.after = await _look_at_past(it, sizes, finished=sizes.past)


async def _look_at_past(it: Plant, sizes: Sizes, *, finished: int) -> Past:
    fresh = await it.register(sizes.runs)
    await it.online(fresh)
    bare, runs = [], []
    for one in fresh:
        bare.append(await it.bare())
        runs.append(await it.run(one))
    return Past(
        finished=finished,
        cost=median(runs) / median(bare),
        events=median([await it.events(one) for one in fresh]),
        api_p95=await past.api_p95(it, fresh[:5], rounds=10),
    )


async def measure_waiting(it: Plant, sizes: Sizes, figures: Figures) -> None:
    """Measure 4."""
    figures.dark = await waiting.measure(
        it,
        runs=sizes.waiting,
        arrivals=sizes.arrivals,
        idle=sizes.idle,
        concurrent=sizes.concurrent,
    )


async def _side_by_side(work: list[_Work], concurrent: int) -> None:
    places = asyncio.Semaphore(concurrent)

    async def take(one: _Work) -> None:
        async with places:
            await one()

    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(take(one))


def report(sizes: Sizes, figures: Figures, *, judge: bool) -> int:
    """Print the tables of what was measured; return the exit code."""
    held: dict[str, bool] = {}
    if figures.run_seconds:
        held |= _report_duration(figures)
    if figures.run_rates:
        held |= _report_rate(sizes, figures)
    if figures.before and figures.after:
        held |= _report_past(figures.before, figures.after)
    if figures.dark:
        held |= _report_waiting(figures.dark)
    missed = [bound for bound, is_held in held.items() if judge and not is_held]
    for bound in missed:
        print(f"MISSED: {bound}")
    return 1 if missed else 0


def _report_duration(figures: Figures) -> dict[str, bool]:
    ratio = figures.duration_ratio
    print(f"1. A run, one at a time, median of {len(figures.run_seconds)} in turn")
    print(f"   run  {median(figures.run_seconds):.3f} s ({_spread(figures.run_seconds)})")
    print(f"   bare {median(figures.bare_seconds):.3f} s ({_spread(figures.bare_seconds)})")
    print(f"   ratio {ratio:.2f}, at most {DURATION_BOUND:g}")
    return {f"a run within {DURATION_BOUND:g} bare workflows": ratio <= DURATION_BOUND}


def _report_rate(sizes: Sizes, figures: Figures) -> dict[str, bool]:
    ratio = figures.rate_ratio
    print(f"2. Per second, {sizes.concurrent} at a time, median of {len(figures.run_rates)} rounds")
    print(f"   runs {median(figures.run_rates):.1f}, bare {median(figures.bare_rates):.1f}")
    print(f"   ratio {ratio:.2f}, at least {RATE_BOUND:g}; CPU ms of one:")
    for process in figures.run_cpu[0]:
        run = median(cpu[process] for cpu in figures.run_cpu) * 1000
        bare = median(cpu[process] for cpu in figures.bare_cpu) * 1000
        print(f"   {process:<16} run {run:6.1f}   bare {bare:6.1f}")
    return {f"{RATE_BOUND:g} of the bare rate": ratio >= RATE_BOUND}


def _report_past(before: Past, after: Past) -> dict[str, bool]:
    print(f"3. With {before.finished} and {after.finished:,} finished runs, at most {FLAT_BOUND:g}")
    held = {}
    for name, few, many in (
        ("cost of a run (bare = 1)", before.cost, after.cost),
        ("history events of a run", before.events, after.events),
        ("API p95, ms", before.api_p95 * 1000, after.api_p95 * 1000),
    ):
        print(f"   {name:<26} {few:8.2f} {many:8.2f}   ratio {many / few:.2f}")
        held[f"flat: {name}"] = many / few <= FLAT_BOUND
    return held


def _report_waiting(seen: waiting.Waiting) -> dict[str, bool]:
    print(f"4. {seen.runs:,} runs that wait, started in {seen.seconds_to_start:.0f} s")
    for process in seen.memory:
        memory, cpu = seen.memory[process], seen.cpu[process]
        print(f"   {process:<16} grew {memory:7.1f} MiB   {cpu:7.1f} CPU s an hour")
    print(
        f"   from connection to the first check: median {seen.noticed_median:.2f} s, "
        f"p95 {seen.noticed_p95:.2f} s of {len(seen.noticed)}, at most {NOTICED_BOUND:g}"
    )
    return {f"checked within {NOTICED_BOUND:g} s": seen.noticed_p95 <= NOTICED_BOUND}


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 10]:.3f} to {ordered[len(ordered) * 9 // 10]:.3f}"


_MEASURES: Final = {
    1: measure_duration,
    2: measure_rate,
    3: measure_past,
    4: measure_waiting,
}


async def measure(sizes: Sizes, only: Sequence[int] = tuple(_MEASURES)) -> Figures:
    """Take these measures."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        async with plant(Path(folder)) as it:
            for number in only:
                await _MEASURES[number](it, sizes, figures)
    return figures


def read_sizes() -> tuple[Sizes, list[int], bool]:
    """Read the command line: sizes, measures, and whether the bounds are judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; no bound is judged")
    for field_name, what in (
        ("runs", "runs one at a time"),
        ("rounds", "rounds of many at a time"),
        ("batch", "runs in a round"),
        ("concurrent", "runs at a time in a round"),
        ("past", "finished runs in the database"),
        ("waiting", "runs that wait for a dark charge point"),
        ("arrivals", "charge points of those that show up"),
    ):
        parser.add_argument(f"--{field_name}", type=int, help=what)
    parser.add_argument(
        "--only", type=int, nargs="+", choices=_MEASURES, default=list(_MEASURES), help="measures"
    )
    given = vars(parser.parse_args())
    only = given.pop("only")
    quick = bool(given.pop("quick"))
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if quick else Sizes(), **chosen), only, not quick


def main() -> int:
    """Measure and report."""
    sizes, only, judge = read_sizes()
    begun = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(sizes, only))
    code = report(sizes, figures, judge=judge)
    print(f"Took {time.perf_counter() - begun:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
