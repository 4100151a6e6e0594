"""Attacks a running engine for minutes: ``make attack ARGS="--only answers --seconds 6"``."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.attack.attacker import all_attackers
from tests.attack.experiment import Outcome, Plan, experiment
from tests.attack.report import show

_WIDTH = 160


def main(
    *,
    seconds: Annotated[float, typer.Option(help="How long each plays, against either engine")] = 6,
    only: Annotated[list[str] | None, typer.Option(help="An attacker; may be repeated")] = None,
    names: Annotated[bool, typer.Option("--list", help="Name the attackers, and no more")] = False,
) -> None:
    """Attack a whole engine on loopback, print a table, and exit by what the honest ones saw.

    Each attacker plays twice, in a process of its own: against an unrelated engine, and against
    the one at which a good charge point, an installer and a site owner go on with their work.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    known = all_attackers()
    if names:
        for attacker in known.values():
            console.print(f"{attacker.name:<20} {attacker.about}", markup=False)
        return
    unknown = sorted(set(only or ()) - known.keys())
    if unknown:
        raise typer.BadParameter(f"no such attacker: {', '.join(unknown)}; see --list")
    plan = Plan(attackers=[known[name] for name in only or known], seconds=seconds)
    folder = Path(tempfile.mkdtemp(prefix="dynamo-attack-"))
    console.print(f"Logs in {folder}")
    outcomes = asyncio.run(_play(plan, folder, console))
    kept = show(outcomes, plan.seconds, console)
    sys.stdout.flush()
    os._exit(not kept)  # the SDK's threads do not like the interpreter's own end


async def _play(plan: Plan, folder: Path, console: Console) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async for outcome in experiment(plan, folder):
        broken = len(outcome.broken())
        console.print(f"{outcome.attacker.name}: {f'{broken} broken' if broken else 'held'}")
        outcomes.append(outcome)
    return outcomes


if __name__ == "__main__":
    typer.run(main)
