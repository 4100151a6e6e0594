"""The table of failed checks, and of what else has a code: blockers, refused connections."""

import ast
from collections.abc import Iterator
from string import Formatter

from docs.generate.problems import ROOT, sentence
from docs.generate.table import code, table
from domain.failures import _TEXTS, FailureCode
from ocpp_server.auth import _STATUS, RefusalCode
from storage.handover import _STALE, _WHY


def failures() -> str:
    """Each code with its sentences; a measured value is shown by its name."""
    rows = ((code(name), *map(_readable, _TEXTS[name])) for name in FailureCode)
    return table(("Code", "Cause", "What to do"), rows)


def blockers() -> str:
    """What can stand between a project and its handover."""
    found = dict((*_WHY.values(), _STALE)) | dict(_blockers_in_place())
    return table(("Code", "Says"), ((code(name), text) for name, text in found.items()))


def refusals() -> str:
    """Why an OCPP server refuses a connection."""
    return table(
        ("Code", "HTTP status"),
        ((code(name), f"{_STATUS[name].value} {_STATUS[name].phrase}") for name in RefusalCode),
    )


def _blockers_in_place() -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse((ROOT / "storage" / "handover.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Blocker":
            words = {word.arg: word.value for word in node.keywords}
            if isinstance(words["code"], ast.Constant):
                yield str(ast.literal_eval(words["code"])), sentence(words["detail"])


def _readable(template: str) -> str:
    """Show ``{waited}`` as *waited*."""
    parts = []
    for text, field, _, _ in Formatter().parse(template):
        parts.append(text)
        if field is not None:
            parts.append(f"*{field.replace('_', ' ')}*")
    return "".join(parts)
