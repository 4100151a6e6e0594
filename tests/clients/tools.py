"""What reads the OpenAPI document as its users do: a linter, and generators of clients."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from docs.generate.routes import openapi
from tests.support.plain import PLAIN

ROOT = Path(__file__).parents[2]
FOLDER = Path(sys.executable).parent.parent / "clients"
_NPM = FOLDER / "node_modules" / ".bin"
_GENERATOR = FOLDER / "venv" / "bin" / "openapi-python-client"
_SECONDS = 120
_CAMEL = re.compile(r"(?<!^)(?=[A-Z])")
_WARNING = re.compile(r"^WARNING parsing (\w+) (\S+) within \w+\.(.*)$", re.MULTILINE)
_UNSUPPORTED = re.compile(r"Unsupported content[ _]type ([\w/.-]+)")


def installed() -> None:
    """Skip the test where `make test` could not install the tools, and said why."""
    if not (FOLDER.parent / ".client-tools").exists():
        pytest.skip("npm cannot be reached, so that nothing generates clients; `make test` tries")


def document() -> dict[str, Any]:
    """The document, as an API at a public address serves it."""
    return openapi() | {"servers": [{"url": "https://api.dynamo-csms.com"}]}


def written(folder: Path) -> Path:
    """Write the document down."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document()))
    return path


def operation_ids() -> set[str]:
    """Every operation of the document."""
    return {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }


def run(program: Path, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool with our own Node.js, and return what it said; it asks nobody for updates."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{FOLDER / 'venv' / 'bin'}{os.pathsep}"
    return subprocess.run(
        [str(program), *map(str, words)],
        cwd=cwd,
        env=os.environ | quiet | {"PATH": path + os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def npm(tool: str, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool from npm."""
    return run(_NPM / tool, *words, cwd=cwd)


class PythonClient:
    """A client that `openapi-python-client` has made, and what it warned of."""

    def __init__(self, folder: Path) -> None:
        made = run(
            _GENERATOR,
            *("generate", "--path", written(folder), "--output-path", folder / "dynamo_client"),
            *("--meta", "none"),
            cwd=folder,
        )
        self.said = made.stdout + made.stderr
        assert made.returncode == 0, self.said
        sys.path.insert(0, str(folder))
        self.models = import_module("dynamo_client.models")
        self.types = import_module("dynamo_client.types")
        self._package = import_module("dynamo_client")
        self._operations = {
            path.stem: f"dynamo_client.api.{path.parent.name}.{path.stem}"
            for path in (folder / "dynamo_client" / "api").glob("*/*.py")
            if path.stem != "__init__"
        }

    @property
    def operations(self) -> set[str]:
        """Its operations, by the names of their modules."""
        return set(self._operations)

    def operation(self, operation_id: str) -> ModuleType:
        """The module of an operation."""
        return import_module(self._operations[snake(operation_id)])

    def warnings(self) -> Iterator[tuple[str, str]]:
        """What it has warned of: an operation, and the content that it cannot handle."""
        places = list(_WARNING.finditer(self.said))
        ends = [one.start() for one in places[1:]] + [len(self.said)]
        for place, end in zip(places, ends, strict=True):
            text = self.said[place.start() : end]
            kinds = _UNSUPPORTED.findall(text)
            assert kinds, text
            assert "will not be generated" not in text
            yield from ((f"{place[1]} {place[2]}", kind) for kind in kinds)

    def at(self, url: str, token: str | None = None) -> Any:
        """Make a client for a server."""
        if token is None:
            return self._package.Client(base_url=url, verify_ssl=PLAIN)
        return self._package.AuthenticatedClient(base_url=url, token=token, verify_ssl=PLAIN)


def snake(operation_id: str) -> str:
    """Name an operation as Python does."""
    return _CAMEL.sub("_", operation_id).lower()
