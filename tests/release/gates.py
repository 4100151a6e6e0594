"""The gates: those of a few lines, and a list of all."""

import json
import re
from collections.abc import Mapping
from typing import Final

from docs.generate.routes import openapi
from tests.release.changelog import entry
from tests.release.dumps import upgrades_keep_rows
from tests.release.gate import Checkout, FailedError, Gate, ordered, some
from tests.release.openapi import Document, breaking_changes
from tests.release.sbom import materials_are_listed
from tests.release.wheels import builds_are_alike

MIGRATIONS: Final = "storage/migrations/versions"
HISTORIES: Final = "tests/replay/histories"
OPENAPI: Final = "openapi.json"
REGENERATE: Final = "storage/migrations/regenerate.py"
_PAGE: Final = "how-to/upgrade.md"
_NONE_YET: Final = "No version is released yet"


def migrations_are_frozen(checkout: Checkout) -> str:
    """See that a released migration is never changed, and nothing writes the first one anew."""
    releases = checkout.released()
    for release in releases:
        if changed := release.changed(MIGRATIONS):
            raise FailedError(some(changed, f"{release.version} was released with another: "))
    if (checkout.root / REGENERATE).exists():
        raise FailedError(f"{REGENERATE} writes a released migration anew; delete it")
    return f"{len(releases[-1].sums(MIGRATIONS))} as {releases[-1].version} was released"


def histories_are_kept(checkout: Checkout) -> str:
    """See that what was recorded of a release is there for good; tests/replay replays it."""
    count = 0
    for release in checkout.released():
        if changed := release.changed(HISTORIES):
            raise FailedError(some(changed, f"{release.version} was released with another: "))
        if not release.sums(HISTORIES):
            raise FailedError(f"{release.version} was kept without histories")
        count += len(release.sums(HISTORIES))
    return f"{count} as they were recorded"


def api_breaks_nobody(checkout: Checkout, document: Document | None = None) -> str:
    """See that whoever calls the newest release can call this: else it needs a new version.

    By `Semantic Versioning`, the minor one before 1.0, and the major one from there on. A new word
    of an answer breaks nobody once the reference names it.
    """
    newest = checkout.released()[-1]
    kept = json.loads(newest.file(OPENAPI).read_text())
    reference = "".join(page.read_text() for page in checkout.root.glob("docs/reference/*.md"))
    changes = [
        change
        for change in breaking_changes(kept, document or openapi())
        if not change.words or any(f"`{word}`" not in reference for word in change.words)
    ]
    if changes and not may_break(newest.version, checkout.version):
        raise FailedError(some(changes, f"{len(changes)} changes need a new version: "))
    return f"{len(changes)} breaking changes since {newest.version}"


def may_break(released: str, present: str) -> bool:
    """Tell whether a version may break what a released one promised."""
    old, new = ordered(released), ordered(present)
    return new[0] > old[0] or (old[0] == 0 and new[:2] > old[:2])


def changelog_has_an_entry(checkout: Checkout) -> str:
    """See that each released version has an entry with its day, and text."""
    text = (checkout.root / "CHANGELOG.md").read_text()
    for release in checkout.released():
        if not re.search(r"^\S", entry(text, release.version), re.MULTILINE):
            raise FailedError(
                f"CHANGELOG.md has no entry '## [{release.version}] - YYYY-MM-DD' with a text"
            )
    return f"{len(checkout.releases)} released, each with its entry"


def upgrade_is_described(checkout: Checkout) -> str:
    """See that operators find how to upgrade, and back."""
    page, index = checkout.root / "docs" / _PAGE, checkout.root / "docs" / "README.md"
    if not page.exists() or f"]({_PAGE})" not in index.read_text():
        raise FailedError(f"docs/{_PAGE} is not there, or docs/README.md does not lead to it")
    text = page.read_text()
    if missing := [word for word in ("dynamo migrate", "## Back out") if word not in text]:
        raise FailedError(some(missing, f"docs/{_PAGE} does not tell of "))
    if checkout.releases and _NONE_YET in text:
        raise FailedError(f"docs/{_PAGE} still says: {_NONE_YET}")
    return f"docs/{_PAGE}"


GATES: Final[Mapping[str, Gate]] = {
    "migrations": migrations_are_frozen,
    "upgrade": upgrades_keep_rows,
    "histories": histories_are_kept,
    "openapi": api_breaks_nobody,
    "changelog": changelog_has_an_entry,
    "page": upgrade_is_described,
    "sbom": materials_are_listed,
    "wheel": builds_are_alike,
}
