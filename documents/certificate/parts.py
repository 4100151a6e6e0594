"""Pieces of a page: headings, rows of facts, marks of verdicts, the QR code."""

from typing import Final

import segno

from documents.certificate.connector_words import Rows
from documents.certificate.words import RESULTS
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.tagging import Structure
from documents.text import clean
from domain.states import CheckResult

COLOURS: Final = {
    CheckResult.PASSED: Colour.GOOD,
    CheckResult.FAILED: Colour.BAD,
    CheckResult.SKIPPED: Colour.WARN,
    CheckResult.PENDING: Colour.MUTED,
    CheckResult.RUNNING: Colour.MUTED,
}
_ROW: Final = 3.9
_NEXT_LINE: Final = 3.2


def heading(paper: Paper, text: str, *, aside: str = "", colour: Colour = Colour.ACCENT) -> None:
    """Head a section; ``aside`` stands small at the right."""
    paper.ln(1.6)
    paper.ink(8.5, bold=True, colour=colour)
    with paper.tagged(Structure.HEADING):
        paper.cell(WIDTH / 2, 4.6, text)
    paper.ink(6.8, colour=Colour.MUTED)
    paper.cell(WIDTH / 2, 4.6, paper.fitted(clean(aside), WIDTH / 2), align="R")
    paper.ln(4.8)
    paper.rule(colour=colour, width=0.3)
    paper.ln(1.2)


def facts(paper: Paper, rows: Rows, *, x: float, y: float, width: float, label: float) -> float:
    """Write names and values one below the other; returns where they end."""
    for name, value in rows:
        paper.set_xy(x, y)
        paper.ink(7.2, colour=Colour.MUTED)
        paper.cell(label, _ROW, paper.fitted(clean(name, at_most=80), label - 1))
        for line in _value(paper, value, width - label):
            paper.set_xy(x + label, y)
            paper.cell(width - label, _ROW, line)
            y += _NEXT_LINE
        y += _ROW - _NEXT_LINE
    return y


def facts_height(paper: Paper, rows: Rows, *, width: float, label: float) -> float:
    """How high :func:`facts` will be."""
    more = sum(len(_value(paper, value, width - label)) - 1 for _name, value in rows)
    return len(rows) * _ROW + more * _NEXT_LINE


def _value(paper: Paper, value: str, width: float) -> list[str]:
    paper.ink(7.6)
    return paper.wrapped(clean(value), width)


def mark(
    paper: Paper, result: CheckResult, *, x: float, y: float, size: float, alt: str | None = None
) -> None:
    """Draw a tick, a cross or a dash in a disc; ``alt`` in place of the result's own word."""
    radius = size / 2
    middle_x, middle_y = x + radius, y + radius
    with (
        paper.tagged(Structure.FIGURE, alt=alt or RESULTS[result]),
        paper.local_context(
            fill_color=COLOURS[result].value,
            draw_color=Colour.WHITE.value,
            line_width=size * 0.11,
            stroke_cap_style="round",
            stroke_join_style="round",
        ),
    ):
        paper.circle(middle_x, middle_y, radius, style="F")
        reach = radius * 0.42
        if result is CheckResult.PASSED:
            paper.polyline(
                [
                    (middle_x - reach, middle_y + reach * 0.05),
                    (middle_x - reach * 0.25, middle_y + reach * 0.75),
                    (middle_x + reach, middle_y - reach * 0.7),
                ]
            )
        elif result is CheckResult.FAILED:
            reach *= 0.85
            paper.line(middle_x - reach, middle_y - reach, middle_x + reach, middle_y + reach)
            paper.line(middle_x - reach, middle_y + reach, middle_x + reach, middle_y - reach)
        else:
            paper.line(middle_x - reach, middle_y, middle_x + reach, middle_y)


def qr_code(paper: Paper, content: str, *, x: float, y: float, size: float) -> None:
    """Draw a QR code as vectors, quiet zone included."""
    matrix = list(segno.make_qr(content, error="m").matrix_iter(border=2))
    module = size / len(matrix)
    alt = f"QR code of {content}"
    with paper.tagged(Structure.FIGURE, alt=alt), paper.local_context(fill_color=(0, 0, 0)):
        for row, line in enumerate(matrix):
            start: int | None = None
            for column, dark in enumerate((*line, 0)):
                if dark and start is None:
                    start = column
                elif not dark and start is not None:
                    # Each run a little too wide and too high: no hairlines between modules.
                    paper.rect(
                        x + start * module,
                        y + row * module,
                        (column - start) * module + 0.01,
                        module + 0.01,
                        style="F",
                    )
                    start = None


def pill(paper: Paper, text: str, *, x: float, y: float, colour: Colour) -> float:
    """Write a verdict in white on its colour; returns the width."""
    paper.ink(10.5, bold=True, colour=Colour.WHITE)
    width = paper.width_of(text) + 8
    with paper.artifact(), paper.local_context(fill_color=colour.value):
        paper.rect(x, y, width, 7, style="F", round_corners=True, corner_radius=1.5)
    paper.set_xy(x, y)
    paper.cell(width, 7, text, align="C")
    return width


def rule_at(paper: Paper, y: float) -> None:
    """Draw a thin line over the whole width, at that height."""
    with paper.pen(Colour.RULE, 0.15):
        paper.line(MARGIN, y, MARGIN + WIDTH, y)
