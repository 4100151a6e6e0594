"""Every request that a page makes or names is one that the API takes."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from docs.generate.routes import openapi

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
_SHELL = re.compile(r"^ *```(?:bash|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (?:https?://[^/\s`]+)?(?:…)?(/[^\s`]+)`")
_API = re.compile(r"^(?:http://127\.0\.0\.1:8000|\$API|\$SITE|https://[^/]+)(?=/)")
_SITE = "/api/v1/site-owner/projects/{project_id}"  # as the tutorial abbreviates it
_VARIABLE = re.compile(r"\$\w+|<[^>]+>|\{[^}]+\}|…|prj_\w*|cp_\w*|com_\w*|\d{4}-\d{2}")


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of the API, by method and path; what a path is given is a ``*``."""
    return {
        (method.upper(), _general(path)): operation
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    }


def _general(path: str) -> str:
    return _VARIABLE.sub("*", path.partition("?")[0])


def operation_of(method: str, path: str) -> dict[str, Any]:
    """The operation that a request is for; a value may stand where its path is given one."""
    for (known, template), operation in operations().items():
        pattern = re.escape(template).replace(r"\*", "[^/]+")
        if known == method and re.fullmatch(pattern, path):
            return operation
    raise AssertionError(f"{method} {path}: there is no such route")


def commands(page: Path) -> Iterator[list[str]]:
    """Every call of curl in the shell blocks of a page, as words."""
    for block in _SHELL.findall(page.read_text()):
        joined = block.replace("\\\n", " ")
        for start in re.finditer(r"(?<![\w-])curl ", joined):
            lexer = shlex.shlex(joined[start.start() :], posix=True, punctuation_chars="|&;)")
            lexer.whitespace_split = True
            lexer.commenters = ""
            words: list[str] = []
            for word in lexer:
                if set(word) <= set("|&;)") or (word in {"curl", "done"} and words):
                    break
                words.append(word)
            yield words


def request(words: list[str]) -> tuple[str, str, str | None] | None:
    """Method, path and body of a call; None where it is none of the API."""
    urls = [word for word in words if _API.match(word)]
    if not urls:
        return None
    rest = urls[0]
    path = _API.sub("", rest)
    if rest.startswith("$API"):
        path = f"/api/v1{path}"
    if rest.startswith("$SITE"):
        path = _SITE + path
    body = next(
        (words[at + 1] for at, word in enumerate(words) if word in {"-d", "--data-binary"}), None
    )
    method = words[words.index("-X") + 1] if "-X" in words else "GET" if body is None else "POST"
    return method, path, body


def cases() -> Iterator[Any]:
    for page in PAGES:
        for words in commands(page):
            found = request(words)
            if found is not None:
                yield pytest.param(*found, id=f"{page.stem}: {found[0]} {found[1]}"[:100])


@pytest.mark.parametrize(("method", "path", "body"), list(cases()))
def test_what_curl_is_told(method: str, path: str, body: str | None) -> None:
    if not path.startswith(("/api/", "/health/")):
        return
    operation = operation_of(method, _general(path))
    names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    asked = {pair.partition("=")[0] for pair in path.partition("?")[2].split("&") if pair}
    assert asked <= names, asked - names
    if body is None or body.startswith("@"):
        return
    document = openapi()
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema | {"components": document["components"]})
    errors = [error.message for error in validator.iter_errors(json.loads(body))]
    assert not errors, errors


def test_there_are_many() -> None:
    assert len(list(cases())) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names(page: Path) -> None:
    """Such as `GET …/config`: a route ends so."""
    for method, path in _NAMED.findall(page.read_text()):
        general = _general(path)
        assert any(asked == method and known.endswith(general) for asked, known in operations()), (
            f"{method} {path}"
        )
