"""Draws what the installer declares: in a frame of its own, not to be taken for measured."""

from collections.abc import Mapping
from io import BytesIO
from typing import Final

from documents.certificate.content import Content, Rows
from documents.certificate.parts import facts, facts_height
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.text import clean, clean_lines
from domain.declarations import PhotoFact

_PAD: Final = 3.0
_TITLE: Final = 6.0
_SIGNATURE: Final = 9.0
_NOTES_LINE: Final = 3.6
_MOST_NOTES: Final = 600
_PHOTO_GAP: Final = 2.0
_CAPTION: Final = 3.6


def declared_height(paper: Paper, content: Content) -> float:
    """How high the frame will be, in millimetres."""
    left, right = _halves(content.declared)
    height = _TITLE + 2 * _PAD + max(facts_height(left), facts_height(right))
    if not content.declared:
        height += 4
    height += _NOTES_LINE * len(_notes(paper, content))
    return height + (_SIGNATURE if content.signature else 0)


def draw_declared(paper: Paper, content: Content) -> None:
    """Draw the frame at the present height, and go below it."""
    top = paper.get_y()
    notes = _notes(paper, content)
    height = declared_height(paper, content)
    with paper.local_context(
        draw_color=Colour.WARN.value, line_width=0.35, dash_pattern={"dash": 1.6, "gap": 1.2}
    ):
        paper.rect(MARGIN, top, WIDTH, height, round_corners=True, corner_radius=1.5)
    paper.set_xy(MARGIN + _PAD, top + _PAD - 0.8)
    paper.ink(8.5, bold=True, colour=Colour.WARN)
    title = "Declared by the installer"
    paper.cell(paper.width_of(title) + 2, 4, title)
    paper.ink(6.8, colour=Colour.MUTED)
    paper.cell(0, 4, "Entered by hand. The engine has not measured or verified any of it.")
    y = top + _PAD + _TITLE - 1.5
    left, right = _halves(content.declared)
    half = (WIDTH - 2 * _PAD) / 2
    y = max(
        facts(paper, left, x=MARGIN + _PAD, y=y, width=half - 3, label=46),
        facts(paper, right, x=MARGIN + _PAD + half, y=y, width=half, label=34),
    )
    if not content.declared:
        paper.set_xy(MARGIN + _PAD, y)
        paper.ink(7.6, colour=Colour.MUTED)
        paper.cell(0, 4, "Nothing was declared.")
        y += 4
    paper.ink(7.2)
    for line in notes:
        paper.set_xy(MARGIN + _PAD, y)
        paper.cell(WIDTH - 2 * _PAD, _NOTES_LINE, line)
        y += _NOTES_LINE
    if content.signature:
        _sign(paper, content, y + 1)
    paper.set_xy(MARGIN, top + height)


def _sign(paper: Paper, content: Content, y: float) -> None:
    paper.set_xy(MARGIN + _PAD, y)
    paper.ink(9.5, bold=True)
    paper.cell(70, 4.4, paper.fitted(clean(content.signature or "", at_most=120), 70))
    with paper.pen(Colour.INK, 0.2):
        paper.line(MARGIN + _PAD, y + 4.8, MARGIN + _PAD + 70, y + 4.8)
    paper.set_xy(MARGIN + _PAD + 73, y + 1)
    paper.ink(6.8, colour=Colour.MUTED)
    said = f"Signed off by name. Declared by {content.declared_by}"
    paper.cell(0, 4, paper.fitted(clean(said), WIDTH - 2 * _PAD - 73))


def _halves(rows: Rows) -> tuple[Rows, Rows]:
    middle = (len(rows) + 1) // 2
    return rows[:middle], rows[middle:]


def _notes(paper: Paper, content: Content) -> list[str]:
    if not content.declared_notes:
        return []
    paper.ink(7.2)
    return paper.wrapped(clean_lines(content.declared_notes, at_most=_MOST_NOTES), WIDTH - 2 * _PAD)


def draw_photos(
    paper: Paper, photos: tuple[PhotoFact, ...], thumbnails: Mapping[str, bytes]
) -> None:
    """Draw the photos in rows of three, each with its caption."""
    across = 3
    width = (WIDTH - (across - 1) * _PHOTO_GAP) / across
    height = width * 0.75
    for place, photo in enumerate(photos):
        column = place % across
        if column == 0:
            if paper.room < height + _CAPTION + 2:
                paper.add_page()
            top = paper.get_y()
            paper.set_y(top + height + _CAPTION + 2)
        x = MARGIN + column * (width + _PHOTO_GAP)
        with paper.local_context(fill_color=Colour.SHADE.value):
            paper.rect(x, top, width, height, style="F")
        data = thumbnails.get(photo.id)
        if data is not None:
            paper.image(BytesIO(data), x, top, width, height, keep_aspect_ratio=True)
        below = paper.get_y()
        paper.set_xy(x, top + height + 0.4)
        paper.ink(6.8, colour=Colour.MUTED)
        said = photo.caption or f"Added {photo.added_at:%Y-%m-%d %H:%M} UTC"
        paper.cell(width, _CAPTION, paper.fitted(clean(said), width))
        paper.set_xy(MARGIN, below)
