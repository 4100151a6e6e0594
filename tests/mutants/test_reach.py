"""The tests of a change: those that run it, the likeliest first, for as long as there is."""

from pathlib import Path

import pytest

from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.reach import Reach

_LIMITS = """\
LEAST = 6
_MOST, _EVER = 30, 40


class Share:
    amperes: int = 7

    def fits(self, asked: int) -> bool:
        return asked < _MOST


def least() -> int:
    return LEAST
"""
_USES = """\
from limits import LEAST

STEP = LEAST * 2


def allowed(asked: int) -> int:
    return asked - STEP
"""


def _changes(folder: Path) -> dict[str, Mutant]:
    (folder / "limits.py").write_text(_LIMITS)
    (folder / "uses.py").write_text(_USES)
    found = [*mutants_of(folder, "limits.py"), *mutants_of(folder, "uses.py")]
    return {f"{one.old} -> {one.new}": one for one in found}


def test_what_is_made_at_the_import_is_named(tmp_path: Path) -> None:
    assert {what: one.names for what, one in _changes(tmp_path).items()} == {
        "6 -> 7": ("LEAST",),
        "30 -> 31": ("_MOST", "_EVER"),
        "40 -> 41": ("_MOST", "_EVER"),
        "7 -> 8": ("amperes", "Share"),
        "< -> <=": (),
        "* -> /": ("STEP",),
        "2 -> 3": ("STEP",),
        "- -> +": (),
    }


@pytest.mark.parametrize(
    ("change", "seconds", "tests"),
    [
        ("< -> <=", 9, ["narrow", "wide", "slow"]),
        ("< -> <=", 3, ["narrow", "wide"]),
        ("30 -> 31", 9, ["narrow", "wide", "slow", "least"]),
        ("6 -> 7", 9, ["else", "least", "narrow", "wide", "slow"]),
        ("- -> +", 9, ["else"]),
    ],
)
def test_who_is_likely_to_notice(
    tmp_path: Path, change: str, seconds: float, tests: list[str]
) -> None:
    mutant = _changes(tmp_path)[change]
    reach = Reach(
        sources={"limits.py": _LIMITS.splitlines(), "uses.py": _USES.splitlines()},
        tests={
            ("limits.py", 8): frozenset({"narrow"}),
            ("limits.py", 9): frozenset({"narrow", "slow", "wide"}),
            ("limits.py", 13): frozenset({"least"}),
            ("uses.py", 3): frozenset({"else"}),
            ("uses.py", 7): frozenset({"else"}),
        },
        seconds={"slow": 3},
    )
    assert reach.of(mutant, seconds=seconds) == tests
