"""Draws the checklist: each item with its mark, what was said of it, and the remark."""

from typing import Final

from documents.certificate.checklist_words import LEGEND, ChecklistContent, ItemContent
from documents.certificate.parts import COLOURS, heading, mark
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.text import clean

_MARK: Final = 3.0
_TEXT: Final = MARGIN + 5.0
_SAID: Final = 24.0
_WIDTH: Final = WIDTH - 5.0 - _SAID
_LINE: Final = 3.5
_SMALL: Final = 3.0
_GAP: Final = 0.9
_HEADING: Final = 20.0
_REMARK_LENGTH: Final = 500
_LEGEND: Final = 34.0


def draw_checklist(paper: Paper, checklist: ChecklistContent | None) -> None:
    """Draw it at the present height, on as many pages as it takes; None: nothing."""
    if checklist is None:
        return
    if paper.room < _HEADING:
        paper.add_page()
    heading(
        paper, "Checklist, declared by the installer", aside=checklist.summary, colour=Colour.WARN
    )
    paper.ink(7.6, bold=True)
    paper.line_of(checklist.title, height=4)
    _legend(paper)
    for item in checklist.items:
        _item(paper, item)


def _legend(paper: Paper) -> None:
    y = paper.get_y()
    for place, (said, result) in enumerate(LEGEND.values()):
        x = MARGIN + place * _LEGEND
        mark(paper, result, x=x, y=y + 0.4, size=_MARK, alt=said)
        paper.ink(7.0, colour=Colour.MUTED)
        paper.set_xy(x + _MARK + 1.2, y)
        paper.cell(_LEGEND - _MARK - 2, 3.8, said)
    paper.set_xy(MARGIN, y + 5)


def _item(paper: Paper, item: ItemContent) -> None:
    paper.ink(7.6)
    text = paper.wrapped(clean(item.text), _WIDTH)
    remark: list[str] = []
    if item.remark:
        paper.ink(7.2)
        remark = paper.wrapped(clean(f"Remark: {item.remark}", at_most=_REMARK_LENGTH), _WIDTH)
    paper.ink(6.4)
    aside = paper.wrapped(clean(item.aside), _WIDTH) if item.aside else []
    if paper.room < _LINE * (len(text) + len(remark)) + _SMALL * len(aside) + _GAP:
        paper.add_page()
    y = paper.get_y()
    mark(paper, item.mark, x=MARGIN, y=y + 0.2, size=_MARK, alt=item.said)
    paper.ink(7.2, bold=True, colour=COLOURS[item.mark])
    paper.set_xy(MARGIN + WIDTH - _SAID, y)
    paper.cell(_SAID, _LINE, item.said, align="R")
    for lines, size, height, colour in (
        (text, 7.6, _LINE, Colour.INK),
        (remark, 7.2, _LINE, Colour.INK),
        (aside, 6.4, _SMALL, Colour.MUTED),
    ):
        paper.ink(size, colour=colour)
        for line in lines:
            paper.set_xy(_TEXT, y)
            paper.cell(_WIDTH, height, line)
            y += height
    paper.set_xy(MARGIN, y + _GAP)
