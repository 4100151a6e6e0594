"""Who keeps all others waiting has broken a promise, though nothing of theirs fails."""

from tests.attack.attacker import all_attackers
from tests.attack.beside import Honest, Seen
from tests.attack.experiment import Outcome
from tests.attack.memory import Growth
from tests.attack.player import Played


def outcome(honest: Honest, *, compares: bool) -> Outcome:
    return Outcome(
        attacker=all_attackers()["answers"],
        played=Played(done=1),
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
