"""Which verdicts say that something did not come, and that each is made after a last look."""

import ast
from collections.abc import Sequence
from pathlib import Path

from domain.failures import FailureCode
from domain.rules.absence import ABSENCES, OF_THE_ENGINE, OF_WHAT_CAME


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
