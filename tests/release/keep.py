"""Keeps what a release is measured by from then on: ``python -m tests.release.keep``.

The document of the API, a dump of each database after the guide was played on it, and the sums of
these, of the migrations and of the recorded histories. It is done once, before the tag, and arms
the gates.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from docs.generate.routes import openapi
from tests.release.changelog import entry
from tests.release.dumps import KINDS, dump, empty, name_of
from tests.release.gate import ROOT, SUMS, Checkout, Release, digest_of
from tests.release.gates import HISTORIES, MIGRATIONS, OPENAPI, REGENERATE
from tests.release.openapi import Document
from tests.support.processes import environment

Play = Callable[[str], None]
"""Fills the database of a URL."""

_OF_A_MACHINE: Final = re.compile(
    rf"/(?:home|root|tmp|Users|var)/|\b{re.escape(platform.node())}\b"
)


def keep(
    checkout: Checkout, document: Document, play: Play, *, kinds: Sequence[str] = KINDS
) -> Release:
    """Keep this version; nothing is written where it cannot be.

    Raises:
        ValueError: it is kept already, the changelog has no entry, or a dump names this machine.

    """
    release = Release(checkout.root, checkout.kept / checkout.version)
    if release.folder.exists():
        raise ValueError(f"{release.version} is released and kept already; raise the version first")
    if not entry((checkout.root / "CHANGELOG.md").read_text(), release.version):
        raise ValueError(f"CHANGELOG.md has no entry of {release.version} with its day and a text")
    files = {OPENAPI: f"{json.dumps(document, indent=1, sort_keys=True)}\n"}
    for kind in kinds:
        with empty(kind) as url:
            play(url)
            files[name_of(kind)] = dump(url)
    for name, text in files.items():
        if found := _OF_A_MACHINE.search(text):
            raise ValueError(f"{name} names this machine: {found[0]}")
    (checkout.root / REGENERATE).unlink(missing_ok=True)
    release.folder.mkdir(parents=True)
    for name, text in files.items():
        (release.folder / name).write_text(text)
    paths = [
        *(checkout.root / MIGRATIONS).glob("*.py"),
        *(checkout.root / HISTORIES).rglob("*.json"),
        *(release.folder / name for name in files),
    ]
    sums = {path.relative_to(checkout.root).as_posix(): digest_of(path) for path in paths}
    lines = (f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
    (release.folder / SUMS).write_text("".join(lines))
    return release


def play_the_guide(url: str) -> None:
    """Run `dynamo demo` on that database, about a minute.

    Raises:
        CalledProcessError: something of it did not hold.

    """
    with tempfile.TemporaryDirectory() as papers:
        subprocess.run(
            [Path(sys.executable).with_name("dynamo"), "demo", "--papers", papers],
            env=environment({"DYNAMO_DATABASE_URL": url}),
            cwd=ROOT,
            check=True,
        )


def main() -> None:
    """Keep it, and say where."""
    try:
        release = keep(Checkout(), openapi(), play_the_guide)
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{release.folder.relative_to(ROOT)}: commit it, with the deletions\n")


if __name__ == "__main__":
    main()
