"""A small checkout, of which a release can be kept."""

from typing import Any, Final

from tests.release.gate import Checkout
from tests.release.gates import HISTORIES, MIGRATIONS
from tests.release.keep import keep
from tests.release.openapi import Document

VERSION: Final = "0.1.0"
DOCUMENT: dict[str, Any] = {"paths": {}, "components": {"schemas": {}}}
FILES: Final = {
    "CHANGELOG.md": f"# Changelog\n\n## [{VERSION}] - 2027-01-02\n\n### Added\n\n- All of it.\n",
    "pyproject.toml": f'[project]\nname = "dynamo-commissioning"\nversion = "{VERSION}"\n',
    "docs/README.md": "- [Upgrade](how-to/upgrade.md)\n",
    "docs/how-to/upgrade.md": "# Upgrade\n\nRun `dynamo migrate`.\n\n## Back out\n",
    "docs/reference/words.md": "| `on` | It runs. |\n",
    f"{MIGRATIONS}/0001_initial_schema.py": "revision = '0001'\n",
    f"{HISTORIES}/0.1/site.json": "{}\n",
}


def keep_alone(checkout: Checkout, document: Document = DOCUMENT) -> None:
    """Keep its version, without a dump of a database."""
    keep(checkout, document, play=lambda _url: None, kinds=())


def rewrite(checkout: Checkout, name: str, text: str) -> Checkout:
    """Change a file of it; what it is then."""
    (checkout.root / name).write_text(text)
    return Checkout(checkout.root, dist=checkout.dist)
