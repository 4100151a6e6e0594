"""What the pages of certificates share: their look, and how a result is coloured."""

from importlib.resources import files
from typing import Final

from jinja2 import Environment

from documents.certificate.words import moment
from documents.templates import templates
from domain.states import CheckResult

STYLE: Final = files("documents.certificate").joinpath("page.css").read_text(encoding="utf-8")
CLASSES: Final = {
    CheckResult.PASSED: "good",
    CheckResult.FAILED: "bad",
    CheckResult.SKIPPED: "warn",
}
"""How a result is coloured."""


def certificate_templates(*packages: str) -> Environment:
    """Return the templates of these packages, which may extend those of certificates."""
    found = templates(*packages, "documents.certificate")
    found.globals |= {"style": STYLE, "classes": CLASSES, "moment": moment}
    return found
