"""Lock files pin what is installed; where it comes from is for the settings of the installer."""

import json
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("lock", sorted(_ROOT.glob("requirements/*.lock")), ids=lambda p: p.stem)
def test_a_lock_of_python_names_no_index(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert [line for line in lines if "://" in line] == []
    assert any("--hash=" in line for line in lines)


@pytest.mark.parametrize(
    "lock", sorted(_ROOT.glob("tests/*/package-lock.json")), ids=lambda p: p.parent.name
)
def test_a_lock_of_npm_names_no_registry(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    pinned = {name: package for name, package in packages.items() if name}
    assert [name for name, package in pinned.items() if "resolved" in package] == []
    assert [name for name, package in pinned.items() if "integrity" not in package] == []
