"""Draws what the installer declares: in a frame of its own, not to be taken for measured."""

from collections.abc import Mapping
from io import BytesIO
from typing import Final

from PIL import Image

from documents.certificate.connector_words import Rows
from documents.certificate.content import Content
from documents.certificate.parts import facts, facts_height
from documents.certificate.photos import draw_small, small_height
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.tagging import Structure
from documents.text import clean, clean_lines
from domain.declarations import PhotoFact
from domain.drawing import Drawing

_PAD: Final = 3.0
INNER: Final = WIDTH - 2 * _PAD
"""Millimetres within the frame."""
_TITLE: Final = 6.0
_SIGNATURE: Final = 7.5
_NAME_LINE: Final = 4.4
_NAME_WIDTH: Final = 70.0
_DRAWN: Final = 14.0
"""Height of a signature that was drawn, and the space below it."""
_BY_HAND: Final = "Signature, drawn by hand"
_SAID_LINES: Final = 2
_NOTES_LINE: Final = 3.6
_MOST_NOTES_LINES: Final = 48
_NOTES_LENGTH: Final = 5000
_SAID_WIDTH: Final = INNER - _NAME_WIDTH - 3
_HALF: Final = INNER / 2
_LEFT: Final = {"width": _HALF - 3, "label": 39.0}
_RIGHT: Final = {"width": _HALF, "label": 39.0}

Photos = tuple[PhotoFact, ...]


def declared_height(paper: Paper, content: Content, photos: Photos) -> float:
    """How high the frame will be, in millimetres, with these photos in it."""
    height = _TITLE + 4.0 + _rows_height(paper, _halves(paper, content.declared))
    if not content.declared:
        height += 4
    notes = _notes(paper, content)
    height += _NOTES_LINE * len(notes) + (1 if notes else 0)
    height += _signature_height(paper, content) if content.signature else 0
    return height + small_height(paper, photos, INNER)


def draw_declared(
    paper: Paper, content: Content, photos: Photos, thumbnails: Mapping[str, bytes]
) -> None:
    """Draw the frame at the present height, these photos small in it, and go below it."""
    top = paper.get_y()
    notes = _notes(paper, content)
    height = declared_height(paper, content, photos)
    with (
        paper.artifact(),
        paper.local_context(
            draw_color=Colour.WARN.value, line_width=0.35, dash_pattern={"dash": 1.6, "gap": 1.2}
        ),
    ):
        paper.rect(MARGIN, top, WIDTH, height, round_corners=True, corner_radius=1.5)
    paper.set_xy(MARGIN + _PAD, top + _PAD - 0.8)
    paper.ink(8.5, bold=True, colour=Colour.WARN)
    title = "Declared by the installer"
    with paper.tagged(Structure.HEADING):
        paper.cell(paper.width_of(title) + 2, 4, title)
    paper.ink(6.8, colour=Colour.MUTED)
    paper.cell(0, 4, "Entered by hand. The engine has not measured or verified any of it.")
    y = top + _PAD + _TITLE - 1.5
    left, right = _halves(paper, content.declared)
    y = max(
        facts(paper, left, x=MARGIN + _PAD, y=y, **_LEFT),
        facts(paper, right, x=MARGIN + _PAD + _HALF, y=y, **_RIGHT),
    )
    if not content.declared:
        paper.set_xy(MARGIN + _PAD, y)
        paper.ink(7.6, colour=Colour.MUTED)
        paper.cell(0, 4, "Nothing was declared.")
        y += 4
    paper.ink(7.2)
    y += 1 if notes else 0
    for line in notes:
        paper.set_xy(MARGIN + _PAD, y)
        paper.cell(INNER, _NOTES_LINE, line)
        y += _NOTES_LINE
    y = draw_small(paper, photos, thumbnails, x=MARGIN + _PAD, y=y, width=INNER)
    if content.signature:
        _sign(paper, content, y + 1)
    paper.set_xy(MARGIN, top + height)


def _sign(paper: Paper, content: Content, y: float) -> None:
    x = MARGIN + _PAD
    if content.drawing is not None:
        _draw_by_hand(paper, content.drawing, x=x, y=y)
    if content.picture is not None:
        _place_picture(paper, content.picture, x=x, y=y)
    y += _hand_height(content)
    paper.ink(9.5, bold=True)
    for line in _name(paper, content):
        paper.set_xy(x, y)
        paper.cell(INNER, _NAME_LINE, line)
        y += _NAME_LINE
    with paper.pen(Colour.INK, 0.2):
        paper.line(x, y + 0.4, x + _NAME_WIDTH, y + 0.4)
    paper.ink(6.8, colour=Colour.MUTED)
    said = clean(f"Signed off by name. Declared by {content.declared_by}")
    for line in paper.wrapped(said, _SAID_WIDTH, at_most=_SAID_LINES):
        paper.set_xy(x + _NAME_WIDTH + 3, y - 3.4)
        paper.cell(_SAID_WIDTH, 3.4, line)
        y += 3.4


def _draw_by_hand(paper: Paper, drawing: Drawing, *, x: float, y: float) -> None:
    left, top, width, height = drawing.box
    scale = min(_NAME_WIDTH / width, (_DRAWN - 2) / height)
    with (
        paper.tagged(Structure.FIGURE, alt=_BY_HAND),
        paper.local_context(
            draw_color=Colour.INK.value,
            line_width=0.35,
            stroke_cap_style="round",
            stroke_join_style="round",
        ),
    ):
        for stroke in drawing.strokes:
            placed = [(x + (a - left) * scale, y + (b - top) * scale) for a, b in stroke]
            paper.polyline(placed if len(placed) > 1 else placed * 2)


def _place_picture(paper: Paper, picture: bytes, *, x: float, y: float) -> None:
    with Image.open(BytesIO(picture)) as image:
        width, height = image.size
    scale = min(_NAME_WIDTH / width, (_DRAWN - 2) / height)
    with paper.tagged(Structure.FIGURE, alt=_BY_HAND):
        paper.image(BytesIO(picture), x, y, width * scale, height * scale)


def _hand_height(content: Content) -> float:
    return 0 if content.drawing is None and content.picture is None else _DRAWN


def _signature_height(paper: Paper, content: Content) -> float:
    return _hand_height(content) + _SIGNATURE + (len(_name(paper, content)) - 1) * _NAME_LINE


def _name(paper: Paper, content: Content) -> list[str]:
    paper.ink(9.5, bold=True)
    return paper.wrapped(clean(content.signature or ""), _NAME_WIDTH)


def _halves(paper: Paper, rows: Rows) -> tuple[Rows, Rows]:
    """Divide them so that both columns take the least height."""
    divided = ((rows[:at], rows[at:]) for at in range(len(rows), -1, -1))
    return min(divided, key=lambda halves: _rows_height(paper, halves))


def _rows_height(paper: Paper, halves: tuple[Rows, Rows]) -> float:
    left, right = halves
    return max(facts_height(paper, left, **_LEFT), facts_height(paper, right, **_RIGHT))


def _notes(paper: Paper, content: Content) -> list[str]:
    if not content.declared_notes:
        return []
    paper.ink(7.2)
    notes = clean_lines(content.declared_notes, at_most=_NOTES_LENGTH)
    return paper.wrapped(notes, INNER, at_most=_MOST_NOTES_LINES)
