"""The typefaces: FiraGO for text, Fira Mono for frames, Noto's symbols where both have a gap.

They come as data inside `pymupdf-fonts`; the PDF library wants files with a font's extension.
"""

import importlib
import logging
import tempfile
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont
from fpdf import FPDF

# It warns of an old table in one of the fonts, whenever that is embedded.
logging.getLogger("fontTools").setLevel(logging.ERROR)


class Typeface(StrEnum):
    """A family, by the name under which a document knows it."""

    TEXT = "text"
    MONO = "mono"
    SYMBOLS = "symbols"


_SHAPING: Final = frozenset({"GDEF", "GPOS", "GSUB", "kern", "BASE", "MATH", "DSIG"})
_FILES: Final = {
    (Typeface.TEXT, ""): ("FiraGO_Regular", ".ttf"),
    (Typeface.TEXT, "B"): ("FiraGO_Bold", ".ttf"),
    (Typeface.MONO, ""): ("FiraMono_Regular", ".otf"),
    (Typeface.SYMBOLS, ""): ("NotoSansSymbols2_Regular", ".otf"),
}


@cache
def _typeface(name: str) -> bytes:
    """Unpack a typeface, once a process, without the tables for shaping: nothing here is shaped."""
    module = importlib.import_module(f"pymupdf_fonts.{name}")
    smaller = BytesIO()
    with TTFont(BytesIO(module.fontbuffer), lazy=True, recalcTimestamp=False) as font:
        for table in _SHAPING & set(font.keys()):
            del font[table]
        font.save(smaller, reorderTables=None)
    return smaller.getvalue()


def add_fonts(document: FPDF) -> None:
    """Make the typefaces known to a document, and fill their gaps from each other."""
    # The document keeps the files open and needs their names no more: nothing is left behind, even
    # by a process that ends without a good-bye.
    with tempfile.TemporaryDirectory(prefix="dynamo-fonts-") as folder:
        for (family, style), (name, extension) in _FILES.items():
            path = Path(folder, name + extension)
            path.write_bytes(_typeface(name))
            document.add_font(family, style, path)
    document.set_fallback_fonts([Typeface.TEXT, Typeface.SYMBOLS], exact_match=False)


@cache
def drawable() -> frozenset[int]:
    """Code points for which some typeface has a glyph."""
    points: set[int] = set()
    for name, _extension in _FILES.values():
        with TTFont(BytesIO(_typeface(name)), lazy=True) as font:
            points |= font.getBestCmap().keys()
    return frozenset(points)
