"""An A4 document in our style: typefaces, colours, margins, page numbers, the same bytes each time.

Text that is not ours goes through :func:`documents.text.clean` before it is drawn.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from documents.fonts import Typeface, add_fonts, needs_shaping
from documents.pdf_metadata import xmp_metadata
from documents.tagging import COMPLIANCE, TaggedPDF
from documents.text import PAGES, clean

MARGIN: Final = 15.0
"""Millimetres, on each side."""
WIDTH: Final = 210.0 - 2 * MARGIN
"""Millimetres between the margins."""
_TOP: Final = 13.0
_FOOT: Final = 16.0
_LANGUAGE: Final = "en-GB"


class Colour(Enum):
    """Red, green, blue; each is legible on white, also when printed in grey."""

    INK = (23, 33, 43)
    MUTED = (91, 104, 117)
    RULE = (208, 214, 221)
    SHADE = (244, 246, 248)
    WHITE = (255, 255, 255)
    ACCENT = (11, 92, 173)
    GOOD = (22, 110, 62)
    BAD = (179, 38, 30)
    WARN = (138, 90, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Imprint:
    """What every page says at its foot, and what the file says about itself."""

    title: str
    subject: str
    foot: str
    below: Sequence[str]
    """Two lines at most, smaller."""
    at: datetime
    """The moment the document is of; nothing in it depends on when it is rendered."""
    pages: int = 1
    """How many there will be, about; their number is put in last, and place is kept for it."""


class Paper(TaggedPDF):
    """An empty document; add a page to begin.

    ``written`` holds every character that it may have to write, in any order, as the ``repr`` of
    its content does.
    """

    def __init__(self, imprint: Imprint, written: str) -> None:
        super().__init__()
        self._imprint = imprint
        self.running = ""
        """Heads each page that is begun from now on; empty: nothing."""
        self._widths: dict[tuple[str, str], dict[str, float]] = {}
        add_fonts(self, written)
        self.alias_nb_pages(PAGES)
        self.set_margins(MARGIN, _TOP)
        self.set_auto_page_break(auto=True, margin=_FOOT + 2)
        self.c_margin = 0.0
        self.set_lang(_LANGUAGE)
        self.set_creation_date(imprint.at)
        self.set_xmp_metadata(
            xmp_metadata(
                title=clean(imprint.title),
                subject=clean(imprint.subject),
                at=imprint.at,
                language=_LANGUAGE,
                part=COMPLIANCE.part,
                conformance=COMPLIANCE.conformance or "",
            )
        )

    @property
    def room(self) -> float:
        """Millimetres left on the page."""
        return float(self.h - self.b_margin - self.get_y())

    def header(self) -> None:
        """Write the head of a page that continues; called by the library."""
        if self.running:
            self.ink(7.2, colour=Colour.MUTED)
            with self.artifact():
                self.cell(WIDTH, 4, self.fitted(clean(self.running), WIDTH))
            self.ln(4.6)
            self.rule()
            self.ln(2)

    def footer(self) -> None:
        """Write the foot of each page; called by the library."""
        with self.artifact():
            self._foot()

    def _foot(self) -> None:
        self.set_y(-_FOOT)
        self.rule()
        self.set_y(-_FOOT + 1.4)
        self.ink(7, colour=Colour.MUTED)
        place = self.get_string_width(f"Page {self.page_no()} of {self._imprint.pages}")
        foot = self.fitted(clean(self._imprint.foot), WIDTH - place - 5)
        self.cell(WIDTH - place, 4, foot)
        self.cell(place, 4, f"Page {self.page_no()} of {PAGES}")
        self.ink(6.2, colour=Colour.MUTED)
        for number, line in enumerate(self._imprint.below):
            self.set_xy(MARGIN, -_FOOT + 5.2 + number * 2.8)
            self.cell(WIDTH, 2.8, self.fitted(clean(line), WIDTH))

    def ink(
        self,
        size: float,
        *,
        bold: bool = False,
        colour: Colour = Colour.INK,
        family: Typeface = Typeface.TEXT,
    ) -> None:
        """Choose how the next text looks; ``size`` in points."""
        self.set_font(family, "B" if bold else "", size)
        self.set_text_color(*colour.value)

    def line_of(self, text: str, *, height: float = 4.2, at_most: int = 500) -> None:
        """Write a paragraph from the left margin over the whole width, and go below it."""
        width = self.w - self.r_margin - self.l_margin
        for line in self.wrapped(clean(text, at_most=at_most), width):
            self.set_x(self.l_margin)
            self.cell(width, height, line)
            self.ln(height)

    def width_of(self, text: str) -> float:
        """Return how wide a cleaned text is with the present ink, in millimetres.

        The library's own answer takes a hundred times longer; only joined letters need it.
        """
        if needs_shaping(text):
            return float(self.get_string_width(text))
        widths = self._widths.setdefault((self.font_family, self.font_style), {})
        total = 0.0
        for character in text:
            width = widths.get(character)
            if width is None:
                width = widths[character] = self.get_string_width(character) / self.font_size_pt
            total += width
        return total * self.font_size_pt

    def wrapped(self, text: str, width: float, *, at_most: int | None = None) -> list[str]:
        """Break a cleaned text into lines, between words; a long word is broken where it must.

        Of more than ``at_most`` lines the last one shown ends with an ellipsis.
        """
        lines: list[str] = []
        for paragraph in text.split("\n"):
            line = ""
            for word in paragraph.split(" "):
                longer = f"{line} {word}" if line else word
                if self.width_of(longer) <= width:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *whole, line = self._broken(word, width)
                lines += whole
            lines.append(line)
        if at_most is not None and len(lines) > at_most:
            return [*lines[: at_most - 1], self.fitted(f"{lines[at_most - 1]} …", width)]
        return lines

    def _broken(self, word: str, width: float) -> list[str]:
        pieces, piece = [], ""
        for character in word:
            if piece and self.width_of(piece + character) > width:
                pieces.append(piece)
                piece = ""
            piece += character
        return [*pieces, piece]

    def rule(self, *, colour: Colour = Colour.RULE, width: float = 0.2) -> None:
        """Draw a line over the whole width."""
        with self.pen(colour, width):
            self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())

    @contextmanager
    def pen(self, colour: Colour, width: float = 0.2) -> Iterator[None]:
        """Draw decorative lines in that colour and width within the block."""
        with self.artifact(), self.local_context(draw_color=colour.value, line_width=width):
            yield

    def fitted(self, text: str, width: float) -> str:
        """Cut a cleaned text so that it takes no more than ``width`` as the ink is now."""
        if self.width_of(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width_of(text[:middle].rstrip() + "…") <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"
