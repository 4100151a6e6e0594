"""The typefaces: FiraGO for text, Fira Mono for frames, Noto's symbols where both have a gap.

They come as data inside `pymupdf-fonts`; the PDF library wants files with a font's extension.
"""

import importlib
import logging
import tempfile
from enum import StrEnum
from functools import cache
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


_FILES: Final = {
    (Typeface.TEXT, ""): ("FiraGO_Regular", ".ttf"),
    (Typeface.TEXT, "B"): ("FiraGO_Bold", ".ttf"),
    (Typeface.MONO, ""): ("FiraMono_Regular", ".otf"),
    (Typeface.SYMBOLS, ""): ("NotoSansSymbols2_Regular", ".otf"),
}


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Unpack the fonts, once a process; the folder goes with it."""
    folder = tempfile.TemporaryDirectory(prefix="dynamo-fonts-")
    for name, extension in _FILES.values():
        module = importlib.import_module(f"pymupdf_fonts.{name}")
        Path(folder.name, name + extension).write_bytes(module.fontbuffer)
    return folder


def add_fonts(document: FPDF) -> None:
    """Make the typefaces known to a document, and fill their gaps from each other."""
    for (family, style), (name, extension) in _FILES.items():
        document.add_font(family, style, Path(_folder().name, name + extension))
    document.set_fallback_fonts([Typeface.TEXT, Typeface.SYMBOLS], exact_match=False)


@cache
def drawable() -> frozenset[int]:
    """Code points for which some typeface has a glyph."""
    points: set[int] = set()
    for name, extension in _FILES.values():
        with TTFont(Path(_folder().name, name + extension), lazy=True) as font:
            points |= font.getBestCmap().keys()
    return frozenset(points)
