"""The head of a certificate's page: what it is, of what, the verdict, the QR code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from documents.certificate.parts import COLOURS, pill, qr_code, rule_at
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.tagging import Structure
from documents.text import clean
from domain.states import CheckResult

_QR: Final = 25.0
_WIDTH: Final = WIDTH - _QR - 4
_BEFORE_PILL: Final = 1.8
_PILL: Final = 7.0
_TITLE: Final = (17.0, 8.2, 1)
"""Size in points, height of a line in millimetres, lines at most; a long one is smaller."""
_LONG_TITLE: Final = (12.5, 5.6, 4)
_ASIDE: Final = 3.3
_MOST_SUBTITLE: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What stands at the head; ``asides`` stand beside the verdict, below each other."""

    kind: str
    title: str
    subtitle: str
    verdict: str
    result: CheckResult
    asides: Sequence[str] = ()
    url: str


def draw_head(paper: Paper, head: Head) -> None:
    """Draw it on top of a page, and go below it."""
    top = paper.get_y()
    paper.ink(8.5, bold=True, colour=Colour.ACCENT)
    paper.cell(_WIDTH, 4, head.kind)
    paper.ln(5)
    _title(paper, head.title)
    paper.ink(9, colour=Colour.MUTED)
    for line in paper.wrapped(clean(head.subtitle, at_most=800), _WIDTH, at_most=_MOST_SUBTITLE):
        paper.cell(_WIDTH, 4.5, line)
        paper.ln(4.5)
    paper.ln(_BEFORE_PILL)
    y = paper.get_y()
    taken = pill(paper, head.verdict, x=MARGIN, y=y, colour=COLOURS[head.result])
    x, room = MARGIN + taken + 3, _WIDTH - taken - 3
    paper.ink(7.2, colour=Colour.MUTED)
    below = y + 0.2
    for said in head.asides:
        for line in paper.wrapped(clean(said), room):
            paper.set_xy(x, below)
            paper.cell(room, _ASIDE, line)
            below += _ASIDE
    _code(paper, head.url, top)
    paper.set_xy(MARGIN, max(y + _PILL, below, top + _QR + 2) + 1.5)
    rule_at(paper, paper.get_y())
    paper.ln(1.5)


def _title(paper: Paper, text: str) -> None:
    title = clean(text)
    size, height, most = _LONG_TITLE
    paper.ink(_TITLE[0], bold=True)
    if paper.width_of(title) <= _WIDTH:
        size, height, most = _TITLE
    paper.ink(size, bold=True)
    for line in paper.wrapped(title, _WIDTH, at_most=most):
        with paper.tagged(Structure.TITLE):
            paper.cell(_WIDTH, height, line)
        paper.ln(height)


def _code(paper: Paper, url: str, top: float) -> None:
    x = MARGIN + WIDTH - _QR
    qr_code(paper, url, x=x, y=top - 1, size=_QR)
    paper.link(x, top - 1, _QR, _QR, url)
    paper.set_xy(x, top + _QR - 1)
    paper.ink(6.2, colour=Colour.MUTED)
    paper.cell(_QR, 3, "Compare online", align="C")
