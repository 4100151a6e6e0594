"""The root holds two modules, and import-linter does not take them: their import direction."""

import ast
from importlib import resources
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


def test_one_version_of_ocpp_is_named_in_its_own_package_alone() -> None:
    schemas = resources.files("ocpp").joinpath("v16", "schemas")
    actions = {Path(file.name).stem.removesuffix("Response") for file in schemas.iterdir()}
    assert {"BootNotification", "RemoteStartTransaction"} <= actions
    own = actions | {"1.6", "ocpp1.6"}
    found = {
        (str(path.relative_to(_ROOT)), node.value)
        for room in ("activities", "domain", "ocpp_server", "storage", "temporal", "workflows")
        for path in (_ROOT / room).rglob("*.py")
        if not path.is_relative_to(_ROOT / "ocpp_server" / "v16")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in own
    }
    # Rows and histories hold these words of ours.
    assert {file for file, _ in found} == {"domain/messages.py"}
