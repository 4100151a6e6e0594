"""HTML from parts: everything that is put in is escaped."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Final

from documents.certificate.connector_words import Rows
from domain.states import CheckResult

STYLE: Final = files("documents.certificate").joinpath("page.css").read_text(encoding="utf-8")


CLASSES: Final = {
    CheckResult.PASSED: "good",
    CheckResult.FAILED: "bad",
    CheckResult.SKIPPED: "warn",
}
"""How a result is coloured."""


class Markup(str):
    """HTML that is already safe; any other text is escaped where it is put in."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str | None) -> Markup:
    """Make an element. ``class_`` is spelt so; an attribute that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{joined(content)}</{name}>")


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Put parts one behind the other, escaped where they need it."""
    return Markup(
        escape(between).join(part if isinstance(part, Markup) else escape(part) for part in parts)
    )


def facts(rows: Rows) -> Markup:
    """Make a list of names and values."""
    return tag(
        "dl", *(part for name, value in rows for part in (tag("dt", name), tag("dd", value)))
    )


def document(title: str, *content: str, script: str = "") -> str:
    """Make a whole page; ``script`` is ours and goes in as it is."""
    head = joined(
        (
            Markup('<meta charset="utf-8">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="robots" content="noindex, nofollow">'),
            tag("title", title),
            Markup(f"<style>{STYLE}</style>"),
        )
    )
    main = tag("main", *content)
    behind = Markup(f"<script>{script}</script>") if script else Markup("")
    body = tag("body", main, behind)
    return f'<!doctype html>\n<html lang="en">{tag("head", head)}{body}</html>\n'
