"""Which part of which page is generated: what stands between ``begin NAME`` and ``end NAME``."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate.bounds import bounds
from docs.generate.commands import cli
from docs.generate.failures import blockers, failures, refusals
from docs.generate.forgiven import (
    essentials,
    forgiven_fields,
    forgiven_frames,
    forgiven_numbers,
    forgiven_spellings,
)
from docs.generate.problems import problems
from docs.generate.routes import routes
from docs.generate.settings import settings
from docs.generate.simulator import faults, models

DOCS = Path(__file__).parents[1]
REFERENCE = DOCS / "reference"
PARTS: Mapping[str, Callable[[], str]] = {
    "blockers": blockers,
    "bounds": bounds,
    "cli": cli,
    "essentials": essentials,
    "failures": failures,
    "faults": faults,
    "forgiven_fields": forgiven_fields,
    "forgiven_frames": forgiven_frames,
    "forgiven_numbers": forgiven_numbers,
    "forgiven_spellings": forgiven_spellings,
    "models": models,
    "problems": problems,
    "refusals": refusals,
    "routes": routes,
    "settings": settings,
}
_PART = re.compile(r"(<!-- begin (\w+) [^>]*-->\n).*?(<!-- end \2 -->)", re.DOTALL)


def pages() -> list[Path]:
    """Pages that may hold generated parts."""
    return sorted(REFERENCE.glob("*.md"))


def current(text: str) -> str:
    """Return a page with its generated parts as they ought to be."""

    def fill(found: re.Match[str]) -> str:
        return f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}"

    return _PART.sub(fill, text)
