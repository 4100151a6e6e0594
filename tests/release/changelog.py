"""What the changelog says of a version.

``python -m tests.release.changelog`` prints the notes for the tag of this one.
"""

import re
import sys

from tests.release.gate import Checkout


def entry(changelog: str, version: str) -> str:
    """Give the text below the heading of a version and its day; empty where there is none."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def main() -> None:
    """Print the entry of the version that this checkout has, for `git tag --file -`."""
    checkout = Checkout()
    notes = entry((checkout.root / "CHANGELOG.md").read_text(), checkout.version)
    if not notes:
        sys.exit(f"CHANGELOG.md has no entry '## [{checkout.version}] - YYYY-MM-DD' with a text")
    sys.stdout.write(f"{checkout.version}\n\n{notes}\n")


if __name__ == "__main__":
    main()
