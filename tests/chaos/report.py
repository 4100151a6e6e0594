"""The table of an experiment."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.chaos.experiment import Outcome
from tests.chaos.schedule import LinkFault, Part
from tests.chaos.visits import Dark

_NAMED = 5


def show(outcome: Outcome, console: Console) -> None:
    """Print it."""
    plan = outcome.plan
    table = Table(
        title=f"Chaos, seed {plan.seed}: {plan.seconds:g} s, {plan.chargers} charge points"
    )
    table.add_column("What")
    table.add_column("Count", justify="right")
    table.add_column("Which")
    for what, count, which in _facts(outcome):
        table.add_row(what, str(count), which)
    table.add_section()
    for what, offenders in outcome.broken.items():
        table.add_row(what, str(len(offenders)), ", ".join(offenders[:_NAMED]))
    table.add_row("answers that make no sense", str(len(outcome.answers.wrong)), "")
    console.print(table)
    for answer in outcome.answers.wrong[:_NAMED]:
        console.print(answer)
    console.print("Every promise was kept." if outcome.held else "[bold]A promise was broken.[/]")


def _facts(outcome: Outcome) -> list[tuple[str, int, str]]:
    answers = outcome.answers
    return [
        ("runs acknowledged", len(answers.acknowledged), f"{answers.away} starts tried again"),
        ("verdicts", outcome.verdicts.total(), _listed(outcome.verdicts)),
        ("kills", outcome.kills.total(), _listed(outcome.kills)),
        ("ended by themselves, restarted", outcome.ended.total(), _listed(outcome.ended)),
        ("links disturbed", outcome.disturbances.total(), _listed(outcome.disturbances)),
        *_of_site(outcome),
        ("seconds until all was settled", round(outcome.settled_after), ""),
    ]


def _of_site(outcome: Outcome) -> list[tuple[str, int, str]]:
    site = outcome.site
    if site is None:
        return []
    active = "never" if site.activated_after is None else f"after {site.activated_after:.1f} s"
    return [
        ("charge points of the site", len(site.chargers), f"handed over; active {active}"),
        ("sessions at the site", len(site.sessions), f"visits: {_listed(site.visits)}"),
        ("charge detail records", outcome.records, f"and {outcome.waiting} held for the owner"),
        ("looks at the site's sum", site.moments, f"{site.most:.1f} A of {site.limit:g} A at most"),
    ]


def _listed(counted: Counter[str] | Counter[Part] | Counter[LinkFault] | Counter[Dark]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counted.most_common())
