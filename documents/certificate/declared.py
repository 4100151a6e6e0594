"""Draws what the installer declares: in a frame of its own, not to be taken for measured."""

from collections.abc import Mapping
from io import BytesIO
from typing import Final

from documents.certificate.content import Content, Rows
from documents.certificate.parts import facts, facts_height, heading
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.text import clean, clean_lines
from domain.declarations import PhotoFact

_PAD: Final = 3.0
_TITLE: Final = 6.0
_SIGNATURE: Final = 7.5
_NOTES_LINE: Final = 3.6
_MOST_NOTES: Final = 600
_PHOTO_GAP: Final = 2.0
_CAPTION: Final = 3.6
_SMALL, _LARGE = 6, 3
_HEADING: Final = 9.0


def declared_height(paper: Paper, content: Content) -> float:
    """How high the frame will be, in millimetres."""
    left, right = _halves(content.declared)
    height = _TITLE + 4.0 + max(facts_height(left), facts_height(right))
    if not content.declared:
        height += 4
    notes = _notes(paper, content)
    height += _NOTES_LINE * len(notes) + (1 if notes else 0)
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
    y += 1 if notes else 0
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
    """Draw the photos: small, in a row, where the page has room for them; else on the next."""
    if not photos:
        return
    small = 0 < photos_height(len(photos)) <= paper.room
    across = _SMALL if small else _LARGE
    if not small and paper.room < _HEADING + _row_height(_LARGE):
        paper.add_page()
    heading(
        paper,
        "Photos, declared by the installer",
        aside="Reduced, and without the metadata they came with",
        colour=Colour.WARN,
    )
    for start in range(0, len(photos), across):
        if paper.room < _row_height(across):
            paper.add_page()
        _row(paper, photos[start : start + across], thumbnails, across)


def photos_height(count: int) -> float:
    """How high so many photos are where they go below the rest; 0: they go on the next page."""
    return _HEADING + _row_height(_SMALL) if 0 < count <= _SMALL else 0.0


def _row_height(across: int) -> float:
    return _width(across) * 0.75 + _CAPTION + 2


def _width(across: int) -> float:
    return (WIDTH - (across - 1) * _PHOTO_GAP) / across


def _row(
    paper: Paper, photos: tuple[PhotoFact, ...], thumbnails: Mapping[str, bytes], across: int
) -> None:
    top, width = paper.get_y(), _width(across)
    height = width * 0.75
    for column, photo in enumerate(photos):
        x = MARGIN + column * (width + _PHOTO_GAP)
        with paper.local_context(fill_color=Colour.SHADE.value):
            paper.rect(x, top, width, height, style="F")
        data = thumbnails.get(photo.id)
        if data is not None:
            paper.image(BytesIO(data), x, top, width, height, keep_aspect_ratio=True)
        paper.set_xy(x, top + height + 0.4)
        paper.ink(6.8, colour=Colour.MUTED)
        said = photo.caption or f"Added {photo.added_at:%Y-%m-%d %H:%M} UTC"
        paper.cell(width, _CAPTION, paper.fitted(clean(said), width))
    paper.set_xy(MARGIN, top + _row_height(across))
