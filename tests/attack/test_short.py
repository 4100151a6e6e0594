"""The experiment in short: what a flood of each kind leaves as it was. Nothing of milliseconds."""

from pathlib import Path

from rich.console import Console

from tests.attack.attacker import all_attackers
from tests.attack.experiment import Plan, experiment
from tests.attack.report import show
from tests.support.figures import Figure

_ATTACKERS = (
    *("answers", "pipelined", "handshakes", "half-open-neighbours"),  # of links
    *("invitations", "streams"),  # of accounts, and of the API
    "stranger-floods",  # who speaks for a charge point; the last, for contests go on behind it
)
_SECONDS = 1


async def test_a_good_neighbour_notices_nothing(tmp_path: Path, figure: Figure) -> None:
    known = all_attackers()
    plan = Plan(attackers=[known[name] for name in _ATTACKERS], seconds=_SECONDS, compares=False)
    outcomes = [outcome async for outcome in experiment(plan, tmp_path)]
    console = Console(width=160, record=True)
    show(outcomes, _SECONDS, console)
    figure(f"\n{console.export_text()}")
    assert {
        outcome.attacker.name: broken for outcome in outcomes if (broken := outcome.broken())
    } == {}
    assert len(outcomes) == len(_ATTACKERS)
