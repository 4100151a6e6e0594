"""The root holds two modules, and import-linter does not take them: their import direction."""

import ast
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def test_the_root_holds_the_worker_and_the_commands_alone() -> None:
    assert {path.name for path in _ROOT.glob("*.py")} == {"cli.py", "worker.py"}


def test_the_worker_imports_no_server_and_nobody_who_asks() -> None:
    imported = set()
    for node in ast.walk(ast.parse((_ROOT / "worker.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & {"api", "cli", "demo", "embedded", "ocpp_server", "simulator"}
