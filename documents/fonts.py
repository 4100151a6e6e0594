"""The typefaces: FiraGO for text, Cascadia Mono for frames, Noto's symbols where both have a gap.

They come as data inside `pymupdf-fonts`; the PDF library wants files with a font's extension.
"""

import importlib
import logging
import tempfile
import unicodedata
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import TTFFont

from documents.outlines import as_truetype

# It warns of an old table in one of the fonts, whenever that is embedded.
logging.getLogger("fontTools").setLevel(logging.ERROR)


class Typeface(StrEnum):
    """A family, by the name under which a document knows it."""

    TEXT = "text"
    MONO = "mono"
    SYMBOLS = "symbols"


_SHAPING: Final = frozenset({"GDEF", "GPOS", "GSUB", "kern", "BASE", "MATH", "DSIG"})
_FILES: Final = {
    (Typeface.TEXT, ""): "FiraGO_Regular",
    (Typeface.TEXT, "B"): "FiraGO_Bold",
    (Typeface.MONO, ""): "CascadiaMono_Regular",
}
_TURNED: Final = frozenset({"R", "AL", "AN"})
_DEVANAGARI: Final = range(0x0900, 0x0980)
_SYMBOLS: Final = "NotoSansSymbols2_Regular"


def add_fonts(document: FPDF, written: str) -> None:
    """Make the typefaces known to a document, and fill their gaps from each other.

    Of the symbols only those among ``written``, which holds whatever the document may say.
    """
    text, shaped = _code_points(_FILES[Typeface.TEXT, ""]), needs_shaping(written)
    symbols = ({ord(character) for character in written} - text) & _code_points(_SYMBOLS)
    fallback = [Typeface.TEXT]
    # The document keeps the files open and needs their names no more: nothing is left behind, even
    # by a process that ends without a good-bye.
    with tempfile.TemporaryDirectory(prefix="dynamo-fonts-") as folder:
        for (family, style), name in _FILES.items():
            _add(document, family, style, _typeface(name, shaped=shaped), folder)
        if symbols:
            drawn = as_truetype(_raw(_SYMBOLS), symbols)
            _add(document, Typeface.SYMBOLS, "", drawn, folder)
            fallback.append(Typeface.SYMBOLS)
        if shaped:  # the shaper opens each by its name
            _opened = [font.hbfont for font in document.fonts.values() if isinstance(font, TTFFont)]
    document.set_fallback_fonts(fallback, exact_match=False)
    document.set_text_shaping(shaped)


def _add(document: FPDF, family: Typeface, style: str, font: bytes, folder: str) -> None:
    path = Path(folder, f"{family}{style}.ttf")
    path.write_bytes(font)
    document.add_font(family, style, path)


@cache
def drawable() -> frozenset[int]:
    """Code points for which some typeface has a glyph."""
    return frozenset().union(*map(_code_points, (*_FILES.values(), _SYMBOLS)))


@cache
def _code_points(name: str) -> frozenset[int]:
    with TTFont(BytesIO(_raw(name)), lazy=True) as font:
        return frozenset(font.getBestCmap())


def needs_shaping(text: str) -> bool:
    """Tell whether letters of it are joined, reordered, or written from right to left."""
    return not text.isascii() and any(map(_is_shaped, text))


def _is_shaped(character: str) -> bool:
    return ord(character) in _DEVANAGARI or unicodedata.bidirectional(character) in _TURNED


@cache
def _typeface(name: str, *, shaped: bool) -> bytes:
    """Unpack a typeface, once a process; without the tables for shaping where nothing is shaped."""
    smaller = BytesIO()
    with TTFont(BytesIO(_raw(name)), lazy=True, recalcTimestamp=False) as font:
        for table in _SHAPING & set(font.keys()) if not shaped else ():
            del font[table]
        font.save(smaller, reorderTables=None)
    return smaller.getvalue()


def _raw(name: str) -> bytes:
    found: bytes = importlib.import_module(f"pymupdf_fonts.{name}").fontbuffer
    return found
