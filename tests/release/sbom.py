"""What is in the engine, as a CycloneDX document: every package that the runtime lock names."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.release.gate import Checkout, FailedError, some

LOCK: Final = "requirements/runtime.lock"
_PINNED: Final = re.compile(r"^([\w.-]+)==([^\s;]+)((?:.*\\\n)*.*)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")

Materials = dict[str, tuple[str, frozenset[str]]]
"""The version and the hashes of each package, by its name."""


def materials_are_listed(checkout: Checkout) -> str:
    """See that the document has every package of the lock with its hashes; leave it in ``dist``."""
    path = made(checkout)
    document: dict[str, Any] = json.loads(path.read_text())
    if wrong := differences(document, (checkout.root / LOCK).read_text(), checkout.version):
        raise FailedError(some(wrong))
    return f"{len(document['components'])} packages in {path.name}"


def made(checkout: Checkout) -> Path:
    """Make the document, which the program validates against the schema of CycloneDX.

    Raises:
        FailedError: it could not, or the document is not valid.

    """
    path = checkout.dist / f"{checkout.project['name']}-{checkout.version}.cdx.json"
    path.parent.mkdir(exist_ok=True)
    outcome = subprocess.run(
        [
            *(Path(sys.executable).with_name("cyclonedx-py"), "requirements"),
            *("--pyproject", "pyproject.toml", "--mc-type", "application"),
            *("--validate", "--output-reproducible", "--output-file", str(path), LOCK),
        ],
        cwd=checkout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise FailedError(f"cyclonedx-py failed: {outcome.stderr.strip()[-400:]}")
    return path


def differences(document: dict[str, Any], lock: str, version: str) -> list[str]:
    """Say in what a document is other than the lock and the version of the engine."""
    listed, locked = _listed(document), _locked(lock)
    wrong = [] if locked else ["the lock names no package"]
    if (said := document["metadata"]["component"].get("version")) != version:
        wrong.append(f"it is of version {said}")
    wrong += [f"{name} is not in it" for name in sorted(locked.keys() - listed.keys())]
    wrong += [f"{name} is not in the lock" for name in sorted(listed.keys() - locked.keys())]
    wrong += [
        f"{name} is another than that of the lock"
        for name in sorted(listed.keys() & locked.keys())
        if listed[name] != locked[name]
    ]
    return wrong + [f"{name} has no hash" for name, (_, hashes) in locked.items() if not hashes]


def _listed(document: dict[str, Any]) -> Materials:
    return {
        one["name"]: (
            one["version"],
            frozenset(
                digest["content"]
                for reference in one.get("externalReferences", ())
                for digest in reference.get("hashes", ())
            ),
        )
        for one in document.get("components", ())
    }


def _locked(lock: str) -> Materials:
    return {
        found[1]: (found[2], frozenset(_HASH.findall(found[3]))) for found in _PINNED.finditer(lock)
    }
