"""Every failure code has sentences, and every caller fills them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import pytest

from domain.failures import _TEXTS, FailureCode, failure

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("activities", "api", "domain", "ocpp_server", "storage", "temporal", "workflows")
_OF_NO_ANSWER = {
    FailureCode.CONNECTION_LOST,
    FailureCode.CONNECTION_UNSTABLE,
    FailureCode.ENGINE_ERROR,
}
"""Codes that :class:`workflows.charge_point.NoAnswerError` carries to one common caller."""


_PLACES = {"failure": 0, "fail": 0, "absent": 1}
"""Which argument of these functions is the code."""


@dataclass(frozen=True)
class _Caller:
    """A call that makes a failure: which codes it may mean, which facts it hands over."""

    place: str
    codes: frozenset[FailureCode]
    facts: frozenset[str]


def _callers() -> Iterator[_Caller]:
    files = (file for folder in _FOLDERS for file in (_ROOT / folder).rglob("*.py"))
    for path in sorted([*_ROOT.glob("*.py"), *files]):
        text = path.read_text()
        if not any(f"{name}(" in text for name in _PLACES):
            continue  # to parse all of them takes seconds
        for node in ast.walk(ast.parse(text)):
            place = _PLACES.get(_name(node.func)) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and place is not None and len(node.args) > place:
                codes = frozenset(_codes(node.args[place]))
                facts = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
                if codes:
                    yield _Caller(f"{path.relative_to(_ROOT)}:{node.lineno}", codes, facts)


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _codes(argument: ast.expr) -> Iterator[FailureCode]:
    match argument:
        case ast.Attribute(value=ast.Name(id="FailureCode"), attr=name):
            yield FailureCode[name]
        case ast.IfExp(body=one, orelse=other):
            yield from _codes(one)
            yield from _codes(other)
        case ast.Name(id="code") | ast.Call(func=ast.Name(id="FailureCode")):
            # The parameter of a method that passes it on, or the code of a NoAnswerError.
            yield from _OF_NO_ANSWER


def _placeholders(code: FailureCode) -> set[str]:
    fields = (field for text in _TEXTS[code] for _, field, _, _ in Formatter().parse(text))
    return {field for field in fields if field is not None}


_CALLERS = [caller for caller in _callers() if caller.facts or len(caller.codes) == 1]


@pytest.mark.parametrize("caller", _CALLERS, ids=lambda caller: caller.place)
def test_a_caller_hands_over_exactly_what_the_sentences_need(caller: _Caller) -> None:
    needed = {field for code in caller.codes for field in _placeholders(code)}
    assert caller.facts == needed


def test_every_code_has_sentences() -> None:
    assert set(_TEXTS) == set(FailureCode)


def test_every_code_has_a_caller() -> None:
    assert {code for caller in _CALLERS for code in caller.codes} == set(FailureCode)


@pytest.mark.parametrize("code", list(FailureCode))
def test_the_sentences_are_sentences(code: FailureCode) -> None:
    facts = dict.fromkeys(_placeholders(code), 7)
    made = failure(code, **facts)
    assert made.code == code
    for text in (made.cause, made.action):
        assert text[0].isupper() or text.startswith("7 ")  # a fact may begin it
        assert text.endswith((".", "7"))  # or be a sentence
        assert "{" not in text.replace("{id}", "")  # of a path of the API
        assert len(text) <= 240


def test_a_charge_points_text_is_a_value_and_no_template() -> None:
    evil = "{0.__class__} {connector_id!r:>999999}"
    made = failure(FailureCode.CONNECTOR_FAULTED, place="Connector 1", error=evil)
    assert made.cause == f"Connector 1 reports a fault: {evil}."
