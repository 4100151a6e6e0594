"""The import direction of the single modules, which import-linter does not take."""

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_OURS = {path.parent.name for path in _ROOT.glob("*/__init__.py")} | {
    path.stem for path in _ROOT.glob("*.py")
}
_MAY_IMPORT = {
    "dispatcher": {"domain", "storage", "workflows"},
    "polling": {"storage"},
    "sweep": {"storage"},
    "temporal_client": {"domain"},
    "reconciler": {"activities", "domain", "run_starter", "storage", "sweep", "workflows"},
    "run_starter": {"domain", "storage", "workflows"},
    "schedules": {"domain", "storage", "workflows"},
    "worker": _OURS - {"api", "cli", "demo", "embedded", "ocpp_server", "simulator"},
    "cli": _OURS,
}


def _imports(module: str) -> set[str]:
    tree = ast.parse((_ROOT / f"{module}.py").read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names} & _OURS


@pytest.mark.parametrize("module", sorted(path.stem for path in _ROOT.glob("*.py")))
def test_a_single_module_imports_what_it_may(module: str) -> None:
    assert _imports(module) <= _MAY_IMPORT[module]
