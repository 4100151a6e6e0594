"""Text from anywhere, made fit to be drawn: a charge point may send what it likes."""

import unicodedata
from typing import Final

from documents.fonts import drawable

PAGES: Final = "«pages»"
"""Stands for the number of pages; the PDF library puts it in at the end."""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ELLIPSIS: Final = "…"


def clean(text: str, *, at_most: int = 500) -> str:
    r"""Make one line that can be drawn, of that many characters at most.

    Line breaks and tabs become spaces. What no typeface here has a glyph for, and what is not seen,
    is written as its code point, so that nothing is left out in silence and nothing hides: ``深``
    becomes ``\u{6df1}``.
    """
    shown = "".join(_shown(character) for character in text[: at_most + 1])
    shown = shown.replace(PAGES, "<pages>")
    return shown if len(shown) <= at_most else shown[: at_most - 1] + _ELLIPSIS


def clean_lines(text: str, *, at_most: int = 2000) -> str:
    """Clean as :func:`clean` does, but keep line breaks."""
    lines = text[: at_most + 1].replace("\r\n", "\n").split("\n")
    cleaned = "\n".join(clean(line, at_most=at_most) for line in lines)
    return cleaned if len(cleaned) <= at_most else cleaned[: at_most - 1] + _ELLIPSIS


def _shown(character: str) -> str:
    if character in "\r\n\t\u00a0":
        return " "
    if " " <= character <= "~":
        return character
    if unicodedata.category(character) in _UNSEEN or ord(character) not in drawable():
        return f"\\u{{{ord(character):x}}}"
    return character
