"""What came and could not be read is told in place of what is missed."""

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.facts import Irregularity
from domain.failures import FailureCode
from domain.rules.absence import ABSENCES, OF_THE_ENGINE, OF_WHAT_CAME, unreadable


def odd(action: str, *, refused: bool = True, count: int = 3) -> Irregularity:
    return Irregularity(
        action=action, what="it is no JSON", refused=refused, count=count, excerpt='[2,"x"'
    )


@pytest.mark.parametrize(
    ("irregularity", "named"),
    [
        (odd("MeterValues"), True),
        (odd(""), True),  # a frame whose action cannot be told may be any message
        (odd("MeterValues", refused=False), False),
        (odd("Heartbeat"), False),
    ],
)
def test_what_was_refused_is_told(irregularity: Irregularity, named: bool) -> None:
    found = unreadable(FailureCode.NO_METER_VALUES, [irregularity])
    assert (found is not None) is named
    if found is not None:
        assert found.code == FailureCode.MESSAGES_UNREADABLE
        assert "it is no JSON" in found.cause
        assert "3" in found.cause


def test_a_failure_that_misses_nothing_is_no_matter_of_messages() -> None:
    assert unreadable(FailureCode.NO_ENERGY, [odd("MeterValues")]) is None


def test_all_that_were_refused_are_counted() -> None:
    found = unreadable(FailureCode.NO_METER_VALUES, [odd("", count=1), odd("MeterValues", count=4)])
    assert found is not None
    assert "(5, MeterValues)" in found.cause


def test_each_code_says_what_came_or_what_did_not() -> None:
    """A new code is put where it belongs: one of absence needs a last look."""
    kinds = (ABSENCES, OF_WHAT_CAME, OF_THE_ENGINE)
    assert set().union(*kinds) == set(FailureCode)
    assert sum(map(len, kinds)) == len(FailureCode)


def test_no_verdict_of_absence_is_made_without_a_last_look() -> None:
    """Only `absent` of workflows/absence.py makes one, and that one looks."""
    made = [
        (path.name, node.lineno, name)
        for path in sorted((Path(__file__).parents[2] / "workflows").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _called(node) in {"fail", "failure"}
        for name in _codes(node.args[:1])
        if FailureCode[name] in ABSENCES
    ]
    assert made == []


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _codes(arguments: Sequence[ast.expr]) -> list[str]:
    return [
        node.attr
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == "FailureCode"
    ]
