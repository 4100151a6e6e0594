"""Every problem that the API can answer with, read off the places that raise it.

The code is the first argument of an error of :mod:`domain.errors`, a literal; one that is not a
literal has its place in ``_PASSED_ON``, or the scan fails.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import api
from api.errors import _DETAILS
from docs.generate.table import code, table
from domain.errors import EngineError

ROOT = Path(__file__).parents[2]
SCANNED = ("api", "domain", "storage", "temporal", "workflows")
# Hands on the type of a workflow's own refusal, which the workflow words as an error of ours.
_PASSED_ON = {("api/temporal/gateway.py", "cause.type")}
# Renders a problem without an error: ``_plain(request, status, code, sentence)``.
_RENDERER = ("api/errors.py", "_plain")


class Found(NamedTuple):
    """One way to a problem."""

    code: str
    status: int
    sentence: str


def problems() -> str:
    """Each code once for a status; the sentence is the first that is found."""
    unique: dict[tuple[int, str], Found] = {}
    for found in sorted(scan(), key=lambda found: (found.status, found.code)):
        unique.setdefault((found.status, found.code), found)
    return table(
        ("Status", "`code`", "Says"),
        ((str(one.status), code(one.code), one.sentence) for one in unique.values()),
    )


def scan() -> Iterator[Found]:
    """Find every problem."""
    statuses = _statuses()
    for folder in SCANNED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from _scan_file(path, statuses)
    for status, (name, said) in _DETAILS.items():
        yield Found(name, status, said)


def _scan_file(path: Path, statuses: dict[str, int]) -> Iterator[Found]:
    where = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        if name in statuses:
            if (where, ast.unparse(node.args[0])) not in _PASSED_ON:
                yield Found(_text(node.args[0], path), statuses[name], sentence(node.args[1]))
        elif (where, name) == _RENDERER:
            yield from _rendered(node.args[1:], path)
        elif name == "problem_document":
            words = {word.arg: word.value for word in node.keywords}
            yield from _rendered([words["status"], words["code"], words["detail"]], path)


def _rendered(arguments: list[ast.expr], path: Path) -> Iterator[Found]:
    status, name, said = arguments
    # What is handed through from a caller is found at that caller.
    if isinstance(status, ast.Constant) and isinstance(status.value, int):
        yield Found(_text(name, path), status.value, sentence(said))


def _statuses() -> dict[str, int]:
    """Names of the error classes, with the HTTP status of each."""
    for module in pkgutil.walk_packages(api.__path__, "api."):
        importlib.import_module(module.name)
    pending, found = [EngineError], {}
    while pending:
        one = pending.pop()
        pending += one.__subclasses__()
        if one.status != EngineError.status:  # else it is among ourselves, and no answer
            found[one.__name__] = one.status
    return found


def _text(node: ast.expr, path: Path) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise LookupError(f"{path}:{node.lineno}: the code of a problem is no literal")


def sentence(node: ast.expr) -> str:
    """Read a text in the source; a value of its own is …, and an id where it is part of a path."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(sentence(part) for part in parts).replace("/…", "/{id}")
        case ast.BinOp(left=left, right=right):
            return f"{sentence(left)}{sentence(right)}"
        case _:
            return "…"
