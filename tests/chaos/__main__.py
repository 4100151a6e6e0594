"""Kills and disturbs for minutes, then counts: ``make chaos ARGS="--seconds 180 --seed 7"``."""

import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.chaos.days import pass_days
from tests.chaos.experiment import Plan, experiment
from tests.chaos.report import show

_WIDTH = 140


def main(
    *,
    runs: Annotated[int, typer.Option(help="Commissioning runs to start")] = 40,
    chargers: Annotated[int | None, typer.Option(help="Charge points; half of the runs")] = None,
    site: Annotated[int, typer.Option(help="Charge points of the site handed over, or 0")] = 5,
    seconds: Annotated[float, typer.Option(help="How long the chaos lasts")] = 180,
    settle: Annotated[float, typer.Option(help="How long the verdicts may take then")] = 420,
    seed: Annotated[int | None, typer.Option(help="Repeats a schedule of kills")] = None,
    days: Annotated[int, typer.Option(help="Simulated days of a mixed fleet, and no more")] = 0,
) -> None:
    """Run one experiment, print its table, and exit by it."""
    plan = Plan(
        seed=random.SystemRandom().randrange(10_000) if seed is None else seed,
        runs=runs,
        chargers=(runs + 1) // 2 if chargers is None else chargers,
        site=site,
        seconds=seconds,
        settle=settle,
    )
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    if days:
        sys.exit(not pass_days(plan.seed, days, console))
    folder = Path(tempfile.mkdtemp(prefix="dynamo-chaos-"))
    console.print(f"Seed {plan.seed}; logs in {folder}")
    outcome = asyncio.run(experiment(plan, folder))
    show(outcome, console)
    sys.stdout.flush()
    os._exit(not outcome.held)  # the SDK's threads do not like the interpreter's own end


typer.run(main)
