"""Who keeps all others waiting has broken a promise, though nothing of theirs fails."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attack.attacker import MEBIBYTE, all_attackers
from tests.attack.beside import Honest, Seen
from tests.attack.experiment import READERS_BUDGET, Outcome
from tests.attack.mailbox import at_most
from tests.attack.memory import Growth, family
from tests.attack.player import Played


def outcome(
    honest: Honest,
    *,
    compares: bool,
    attacker: str = "answers",
    done: int = 1,
    seconds: float = 6.0,
) -> Outcome:
    return Outcome(
        attacker=all_attackers()[attacker],
        played=Played(done=done, seconds=seconds),
        beside_unrelated=honest if compares else None,
        honest=honest,
        node=Growth(),
        api=Growth(),
    )


def test_who_had_no_answer_at_all_is_named() -> None:
    hung = Honest()
    for seen in (hung.charger, hung.newcomers, hung.installer, hung.owner):
        seen.asked = 1
    assert len(outcome(hung, compares=False).broken()) == 3
    assert len(outcome(hung, compares=True).broken()) == 4


def test_one_answer_of_each_is_enough() -> None:
    served = Honest(
        **{
            name: Seen(asked=2, answered=1)
            for name in ("charger", "newcomers", "installer", "owner")
        }
    )
    assert outcome(served, compares=True).broken() == []


@pytest.mark.parametrize(("done", "broken"), [(29, 1), (30, 0), (48, 0), (49, 1)])
def test_what_reached_too_little_or_too_much_is_named(done: int, broken: int) -> None:
    """Six charge points with five guesses each, and three in six seconds beyond."""
    served = Honest(charger=Seen(asked=1, answered=1))
    found = outcome(served, compares=False, attacker="tags", done=done).broken()
    assert len([one for one in found if "the attacker did" in one]) == broken


@pytest.mark.parametrize(("mails", "is_broken"), [(0, True), (1, False), (2, False), (3, True)])
async def test_mails_are_few_and_not_none(tmp_path: Path, mails: int, is_broken: bool) -> None:
    (tmp_path / "mail").mkdir()
    for number in range(mails):
        (tmp_path / "mail" / f"{number}.eml").write_text(f"To: {number}@hostile.example\n\nText\n")
    async with at_most(2, tmp_path, "hostile.example") as broken:
        pass
    assert bool(broken) is is_broken


def test_the_memory_of_what_a_process_has_started_is_seen_too() -> None:
    """The API has others read the pictures."""
    served = Honest(charger=Seen(asked=1, answered=1))
    assert not [one for one in outcome(served, compares=False).broken() if "pictures" in one]
    grown = replace(outcome(served, compares=False), api=Growth(started=READERS_BUDGET + MEBIBYTE))
    assert [one for one in grown.broken() if "pictures" in one] == [
        "the API's readers of pictures took 1025 MiB (budget: 1024)"
    ]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        child.communicate(b"\n")
    assert child.pid not in family(os.getpid())
