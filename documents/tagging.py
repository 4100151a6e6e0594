"""A PDF/A document with a structure: what a screen reader reads, and in what order.

The library enforces PDF/A (ISO 19005-2, level U: whatever is seen is also text), and writes the
tree of structure (ISO 32000-1, 14.7), but tags pictures alone. Here every cell of text is tagged
as it is written, as a paragraph or as what surrounds it; what only adorns is an artifact.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import DocumentCompliance

COMPLIANCE: Final = DocumentCompliance.PDFA_2U


class Structure(StrEnum):
    """A standard type of structure (ISO 32000-1, 14.8.4)."""

    TITLE = "H1"
    HEADING = "H2"
    PARAGRAPH = "P"
    FIGURE = "Figure"


class TaggedPDF(FPDF):
    """Marks what is drawn, once: within a mark nothing else is marked."""

    def __init__(self) -> None:
        super().__init__(unit="mm", format="A4", enforce_compliance=COMPLIANCE)
        self._begin: Callable[[], None] | None = None
        """Begins the mark that is open, again on another page."""
        self._marks: Counter[int] = Counter()

    @contextmanager
    def tagged(self, structure: Structure, *, alt: str | None = None) -> Iterator[None]:
        """Tag what is drawn within; ``alt`` says in words what a figure shows."""
        with self._mark(lambda: self._tag(structure, alt)):
            yield

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Mark what is drawn within as no content: lines, backgrounds, what heads each page."""
        with self._mark(lambda: self._out("/Artifact BMC")):
            yield

    def _tag(self, structure: Structure, alt: str | None) -> None:
        number = self._marks[self.page]
        self._marks[self.page] += 1
        self._add_marked_content(struct_type=f"/{structure}", mcid=number, alt_text=alt)
        self._out(f"/{structure} <</MCID {number}>> BDC")

    @contextmanager
    def _mark(self, begin: Callable[[], None]) -> Iterator[None]:
        if self._begin is not None:
            yield
            return
        begin()
        self._begin = begin
        yield
        self._begin = None
        self._out("EMC")

    def cell(self, w: float | None = None, h: float | None = None, *rest: Any, **named: Any) -> Any:
        """Write a line of text, as a paragraph where nothing says otherwise."""
        if h is not None and self.will_page_break(h):
            self._next_page()
        with self.tagged(Structure.PARAGRAPH):
            return super().cell(w, h, *rest, **named)

    def _next_page(self) -> None:
        """Begin a page as the library does, with no mark over its beginning."""
        x, begin = self.x, self._begin
        if begin is not None:
            self._out("EMC")
            self._begin = None
        self.add_page(same=True)
        self.x = x
        if begin is not None:
            begin()
            self._begin = begin
