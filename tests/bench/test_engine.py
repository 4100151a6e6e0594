"""The benchmark runs on the real processes, and its runs pass."""

from bench import engine as bench

SIZES = bench.Sizes(
    runs=1, rounds=1, batch=2, concurrent=2, warm=0, past=20, waiting=2, arrivals=2, idle=0.1
)


async def test_the_benchmark_measures_runs_that_pass() -> None:
    figures = await bench.measure(SIZES)
    assert len(figures.run_seconds) == len(figures.bare_seconds) == 1
    assert len(figures.run_rates) == len(figures.bare_rates) == 1
    assert figures.run_cpu[0]["ocpp-server"] > 0
    assert figures.before is not None
    assert figures.after is not None
    assert figures.after.events > 0
    assert figures.dark is not None
    assert len(figures.dark.noticed) == 2
    assert bench.report(SIZES, figures, judge=False) == 0
