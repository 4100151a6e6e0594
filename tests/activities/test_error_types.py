"""Types of errors in Temporal have one style: the codes of the API."""

import ast
import re
from pathlib import Path

import pytest

from domain import names

ROOT = Path(__file__).resolve().parents[2]
_ROOMS = ("activities", "ocpp_server", "temporal", "workflows")


def _types() -> list[tuple[str, str]]:
    """Each type that is given to an ApplicationError, with where that is; an error's own aside."""
    return [
        (f"{path.relative_to(ROOT)}:{call.lineno}", code)
        for room in _ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ApplicationError"
        for keyword in call.keywords
        if keyword.arg == "type" and (code := _code(keyword.value)) is not None
    ]


def _code(given: ast.expr) -> str | None:
    match given:
        case ast.Constant(value=str(code)):
            return code
        case ast.Name(id=name):
            return str(getattr(names, name, name))
    return None


@pytest.mark.parametrize(("where", "code"), _types())
def test_a_type_is_a_code(where: str, code: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code), where
