"""Whoever asks for boots or statuses asks for those that count, or is named here with a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.models.base import TableModel

_STORAGE: Final = Path(__file__).parents[2] / "storage"
MARKED: Final = {
    model.__name__: model.__tablename__
    for model in TableModel.__subclasses__()
    if "contested_link" in model.model_fields
}
"""Tables whose rows carry the link that told them, where others spoke, too."""
BESIDES: Final = {
    "boots.store_boots": "It stores them.",
    "connectors.store_connectors": "It stores them.",
    "export.OF_CHARGE_POINT": "An export holds all that there is.",
}


def _readers() -> Iterator[tuple[str, ast.stmt]]:
    """Give what names one of these tables: functions, and other definitions of a module."""
    for path in sorted(_STORAGE.glob("**/*.py")):
        tree = ast.parse(path.read_text())
        names = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("storage.models")
            for alias in node.names
            if alias.name in MARKED
        }
        module = ".".join(path.relative_to(_STORAGE).with_suffix("").parts)
        for node in tree.body:
            if names & {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}:
                yield f"{module}.{_name(node)}", node


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    name: str = getattr(node, "name", "")
    return name


def _asks_for_those_that_count(node: ast.stmt) -> bool:
    return any(
        isinstance(one, ast.Call) and ast.unparse(one.func).split(".")[-1] == "counts"
        for one in ast.walk(node)
    )


def test_every_query_asks_for_facts_that_count() -> None:
    assert {"boots", "connectors"} == set(MARKED.values())
    others = {name for name, node in _readers() if not _asks_for_those_that_count(node)}
    assert others == set(BESIDES)
