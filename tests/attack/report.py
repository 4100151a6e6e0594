"""The table of what the attackers did, and what it cost whom."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.attack.attacker import MEBIBYTE
from tests.attack.experiment import Outcome
from tests.attack.memory import Growth

_NAMED = 4


def show(outcomes: Sequence[Outcome], seconds: float, console: Console) -> bool:
    """Print it; return whether every promise was kept."""
    table = Table(
        title=f"{len(outcomes)} attackers, one after the other, {seconds:g} s each", show_lines=True
    )
    table.add_column("Attacker")
    table.add_column("It reached")
    for heading in (
        "Sockets\nlost",
        "Newcomers\nrefused",
        "Slowest answer\nms: beside it,\nelsewhere",
        "Slowest\nnewcomer\nms",
        "OCPP server\nMiB: more,\nbudget",
        "API\nMiB: more\n+ pictures,\nbudget",
        "Logged\nKiB",
        "API requests\nfailed, of all\n(slowest ms)",
    ):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        table.add_row(*_row(outcome))
    console.print(table)
    kept = True
    for outcome in outcomes:
        broken = outcome.broken()
        for what in broken[:_NAMED]:
            console.print(f"[bold]{outcome.attacker.name}[/]: {escape(what)}")
        if len(broken) > _NAMED:
            console.print(f"[bold]{outcome.attacker.name}[/]: and {len(broken) - _NAMED} more")
        kept = kept and not broken
    console.print("Every promise was kept." if kept else "[bold]A promise was broken.[/]")
    return kept


def _row(outcome: Outcome) -> tuple[str, ...]:
    attacker, honest = outcome.attacker, outcome.honest
    people = (honest.installer, honest.owner)
    before = outcome.beside_unrelated
    elsewhere = "" if before is None else _ms(before.charger.slowest)
    slowest = max(person.slowest for person in people)
    return (
        f"[bold]{attacker.name}[/]\n{escape(attacker.about)}",
        f"{outcome.played.rate:,.0f} {attacker.unit}/s\n{outcome.played.lost:,} links ended",
        str(len(honest.charger.broken)),
        f"{len(honest.newcomers.broken)} of {honest.newcomers.asked}",
        f"{_ms(honest.charger.slowest)}\n{elsewhere}",
        _ms(honest.newcomers.slowest),
        _memory(outcome.node, attacker.node_budget),
        _memory(outcome.api, attacker.api_budget),
        f"{(outcome.node.log + outcome.api.log) / 1024:,.0f}",
        f"{len(outcome.failures)} of {sum(person.asked for person in people)}\n({_ms(slowest)})",
    )


def _memory(growth: Growth, budget: float) -> str:
    others = f" + {growth.started / MEBIBYTE:.0f}" if growth.started else ""
    return f"{growth.resident / MEBIBYTE:.0f}{others}\n{budget / MEBIBYTE:.0f}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f}"
