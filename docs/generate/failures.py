"""The table of failed checks, and of what else has a code: blockers, refused connections."""

import ast
from collections.abc import Iterator
from string import Formatter

from docs.generate.problems import ROOT, SCANNED, sentence
from docs.generate.table import code, table
from domain.failures import _TEXTS, FailureCode
from ocpp_server.auth import RefusalCode
from storage.handover import _STALE, _WHY

_OF_TABLES = "storage/handover.py"
"""Takes codes from the two tables above."""


def failures() -> str:
    """Each code with its sentences; a measured value is shown by its name."""
    rows = ((code(name), *map(_readable, _TEXTS[name])) for name in FailureCode)
    return table(("Code", "Cause", "What to do"), rows)


def blockers() -> str:
    """What can stand between a project and its handover, or a service visit and its end."""
    found = dict((*_WHY.values(), _STALE)) | dict(_blockers_in_place())
    return table(("Code", "Says"), ((code(name), text) for name, text in found.items()))


def refusals() -> str:
    """Why an OCPP server refuses a connection."""
    return table(
        ("Code", "HTTP status"),
        ((code(one), f"{one.status.value} {one.status.phrase}") for one in RefusalCode),
    )


def _blockers_in_place() -> Iterator[tuple[str, str]]:
    """Find those whose code is a literal, wherever they are made; the others are in tables."""
    for folder in SCANNED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Blocker":
                    words = {word.arg: word.value for word in node.keywords}
                    if isinstance(words["code"], ast.Constant):
                        yield str(ast.literal_eval(words["code"])), sentence(words["detail"])
                    elif path.relative_to(ROOT).as_posix() != _OF_TABLES:
                        raise LookupError(f"{path}:{node.lineno}: its code is no literal")


def _readable(template: str) -> str:
    """Show ``{waited}`` as *waited*."""
    parts = []
    for text, field, _, _ in Formatter().parse(template):
        parts.append(text)
        if field is not None:
            parts.append(f"*{field.replace('_', ' ')}*")
    return "".join(parts)
