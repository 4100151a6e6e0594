"""Days of a mixed fleet at a site, one seed after the other: ``make chaos ARGS="--days 20"``."""

import asyncio

from rich.console import Console
from rich.table import Table

from tests.domain.power_day import Day


def pass_days(seed: int, days: int, console: Console) -> bool:
    """Let them pass, and print what was seen; tells whether every promise was kept."""
    table = Table(title=f"Days of 40 bays and a mixed fleet, from seed {seed}")
    for name in ("Seed", "Vehicles", "Kills", "Moments", "Above the limit", "Never charged"):
        table.add_column(name, justify="right")
    table.add_column("Longest wait, min", justify="right")
    kept = True
    for number in range(seed, seed + days):
        day, above = Day(number), ""
        try:
            asyncio.run(day.pass_by())
        except AssertionError as error:  # it is over at the first such moment
            above = str(error) or repr(error)
        never = [*day.never, *day.hungry]
        kept = kept and not above and not never
        table.add_row(
            str(number),
            str(day.vehicles),
            str(day.kills.total()),
            str(day.moments),
            above or "0",
            ", ".join(never) or "0",
            str(day.longest_wait),
        )
    console.print(table)
    console.print("Every promise was kept." if kept else "[bold]A promise was broken.[/]")
    return kept
