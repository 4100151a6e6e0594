"""A PDF/A document with a structure: what a screen reader reads, and in what order.

The library enforces PDF/A (ISO 19005-2, level U: whatever is seen is also text), and writes the
tree of structure (ISO 32000-1, 14.7), but tags pictures alone. Here every cell of text is tagged
as it is written, as a paragraph or as what surrounds it; what only adorns is an artifact.
"""

from collections import Counter
from collections.abc import Iterator
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
        self._marked = False
        self._marks: Counter[int] = Counter()

    @contextmanager
    def tagged(self, structure: Structure, *, alt: str | None = None) -> Iterator[None]:
        """Tag what is drawn within; ``alt`` says in words what a figure shows.

        No page may begin within.
        """
        if self._marked:
            yield
            return
        number = self._marks[self.page]
        self._marks[self.page] += 1
        self._add_marked_content(struct_type=f"/{structure}", mcid=number, alt_text=alt)
        with self._mark(f"/{structure} <</MCID {number}>> BDC"):
            yield

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Mark what is drawn within as no content: lines, backgrounds, what heads each page."""
        if self._marked:
            yield
            return
        with self._mark("/Artifact BMC"):
            yield

    @contextmanager
    def _mark(self, operator: str) -> Iterator[None]:
        self._out(operator)
        self._marked = True
        yield
        self._marked = False
        self._out("EMC")

    def cell(self, w: float | None = None, h: float | None = None, *rest: Any, **named: Any) -> Any:
        """Write a line of text, as a paragraph where nothing says otherwise."""
        if not self._marked and h is not None and self.will_page_break(h):
            # The library would begin it within the mark.
            x = self.x
            self.add_page(same=True)
            self.x = x
        with self.tagged(Structure.PARAGRAPH):
            return super().cell(w, h, *rest, **named)
