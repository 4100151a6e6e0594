"""A call that a sentence names is there, with its fields; and what is ours to do has one."""

import re
from typing import Any, Final

import pytest

from docs.generate.problems import scan
from docs.generate.routes import openapi
from domain.failures import _TEXTS, FailureCode

_CALL: Final = re.compile(
    r'(GET|POST|PUT|PATCH|DELETE)\s+…(/[^\s,;()`]*[^\s,;().:`])(?:\s+with\s+(?P<fields>"[^)]*"))?'
)
_FIELD: Final = re.compile(r'(?<!: )(?<!or )"(\w+)"(?=\s*[:,)"]|$)')
"""Not what is behind a colon, or is an alternative to that: it is a value."""
_OURS: Final = {
    r"[Cc]ustomise": "/config/customize",
    r"registered \(|Correct the .* here": "PATCH …/charge-points/",
    r"Start the commissioning": "/start",
    r"log of the run": "/logs",
    r"ocpp_endpoint": "GET …/charge-points/",
    r"\bswap\b": "/charge-points/swap",
    r'"update_firmware"': "/retry",
}
"""What a sentence says that is done with the engine, not on site, and the call that does it."""


def sentences() -> dict[str, str]:
    """Every sentence that says what to do, of failures and of problems, by its code."""
    told: dict[str, str] = {
        code.value: " ".join(_TEXTS[code]).replace("{{", "{").replace("}}", "}")
        for code in FailureCode
    }
    for problem in scan():
        told[f"{problem.status} {problem.code}"] = problem.sentence
    return told


def pattern(path: str) -> str:
    """A path of the API, or the end of one, with its ids as any part."""
    return re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) + "$"


def test_a_call_that_is_named_is_there_with_its_fields() -> None:
    document = openapi()
    named = 0
    for code, said in sentences().items():
        for method, path, fields in _CALL.findall(said):
            named += 1
            found = [
                operation[method.lower()]
                for known, operation in document["paths"].items()
                if re.search(pattern(path), known) and method.lower() in operation
            ]
            assert found, f"{code}: {method} {path}"
            for field in _FIELD.findall(fields):
                assert any(field in properties(one, document) for one in found), f"{code}: {field}"
    assert named > 10


def properties(operation: dict[str, Any], document: dict[str, Any]) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    names = re.findall(r"schemas/(\w+)'", str(content.get("schema")))
    schemas = document["components"]["schemas"]
    return {field for name in names for field in schemas[name].get("properties", {})}


@pytest.mark.parametrize("code", list(FailureCode))
def test_what_is_done_with_the_engine_names_its_call(code: FailureCode) -> None:
    """ "Retry" alone is the name of its call."""
    action = _TEXTS[code][1].replace("{{", "{").replace("}}", "}")
    for words, call in _OURS.items():
        if re.search(words, action):
            assert call in action, words
    assert not re.search(r"\bhere\b", action), "where is here?"
