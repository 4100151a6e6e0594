"""What a gate is: it looks at a checkout, and says what holds.

::

    Exception
    ├── NotArmedError   there is nothing yet that it could hold; the message says what arms it
    └── FailedError     it does not hold; the message says what, and what to do
"""

import hashlib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SUMS: Final = "SHA256SUMS"
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")


class NotArmedError(Exception):
    """A gate has nothing to hold yet."""


class FailedError(Exception):
    """A gate does not hold."""


def ordered(version: str) -> tuple[int, ...]:
    """Make a version comparable."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Release:
    """What was kept of a released version: its folder, named after it, and the sums of all files.

    The sums are those of `sha256sum`, with paths from the checkout's root, and so
    ``sha256sum --check tests/release/kept/0.1.0/SHA256SUMS`` does the same as :meth:`changed`.
    """

    root: Path
    folder: Path

    @property
    def version(self) -> str:
        """Which one."""
        return self.folder.name

    def sums(self, under: str = "") -> dict[str, str]:
        """Give the files below a folder as they were released: their paths and their sums."""
        lines = (self.folder / SUMS).read_text().splitlines()
        pairs = (line.split("  ", 1) for line in lines)
        return {path: digest for digest, path in pairs if path.startswith(under)}

    def changed(self, under: str) -> list[str]:
        """Name those that are gone, or are not what they were."""
        return [
            path
            for path, digest in self.sums(under).items()
            if not (self.root / path).is_file() or digest_of(self.root / path) != digest
        ]

    def file(self, name: str) -> Path:
        """Give a file of its folder, which is still as it was kept.

        Raises:
            FailedError: it is not.

        """
        path = self.folder / name
        relative = path.relative_to(self.root).as_posix()
        if relative not in self.sums() or self.changed(relative):
            raise FailedError(f"{relative} is not as {self.version} was released; put it back")
        return path


@dataclass(frozen=True)
class Checkout:
    """A copy of the sources, with what was kept of releases; what is built is left in ``dist``."""

    root: Path = ROOT
    dist: Path = ROOT / "dist"

    @cached_property
    def project(self) -> dict[str, Any]:
        """The project's table of `pyproject.toml`."""
        table: dict[str, Any] = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]
        return table

    @property
    def version(self) -> str:
        """Of the engine, as it would be released."""
        return str(self.project["version"])

    @property
    def kept(self) -> Path:
        """Where the folders of releases are."""
        return self.root / "tests" / "release" / "kept"

    @property
    def releases(self) -> list[Release]:
        """Give every released version, the oldest first."""
        folders = (path for path in self.kept.glob("*") if _VERSION.fullmatch(path.name))
        in_order = sorted(folders, key=lambda path: ordered(path.name))
        return [Release(self.root, folder) for folder in in_order]

    def released(self) -> list[Release]:
        """Give them, for a gate that needs one.

        Raises:
            NotArmedError: there is none.

        """
        if not self.releases:
            raise NotArmedError("no version is released yet: python -m tests.release.keep")
        return self.releases


Gate = Callable[[Checkout], str]
"""Says in a few words what holds; raises one of the errors above."""


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a file, as text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def some(things: list[Any], of: str = "") -> str:
    """Name a few of many."""
    shown = "; ".join(str(thing) for thing in things[:_SHOWN])
    more = f"; and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return f"{of}{shown}{more}"


_SHOWN: Final = 10
