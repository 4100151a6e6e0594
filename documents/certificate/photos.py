"""Draws photos: a few small ones in the frame of what is declared, others larger on a page."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Final

from documents.certificate.parts import heading
from documents.certificate.words import moment
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.tagging import Structure
from documents.text import clean
from domain.declarations import PhotoFact

_ACROSS_SMALL, _ACROSS_LARGE = 6, 3
_GAP: Final = 2.0
_SHAPE: Final = 0.75
_LINE: Final = 2.9
_BELOW: Final = 1.0
_SMALL_LINES, _LARGE_LINES = 2, 6
_HEADING: Final = 9.0


def small_enough(paper: Paper, photos: Sequence[PhotoFact], width: float) -> bool:
    """Tell whether they go in one row, their captions whole."""
    return len(photos) <= _ACROSS_SMALL and all(
        len(_caption(paper, photo, _width(width, _ACROSS_SMALL))) <= _SMALL_LINES
        for photo in photos
    )


def small_height(paper: Paper, photos: Sequence[PhotoFact], width: float) -> float:
    """How high a row of small ones is, in millimetres."""
    return _height(paper, photos, _width(width, _ACROSS_SMALL), _SMALL_LINES) if photos else 0.0


def draw_small(
    paper: Paper,
    photos: Sequence[PhotoFact],
    thumbnails: Mapping[str, bytes],
    *,
    x: float,
    y: float,
    width: float,
) -> float:
    """Draw a row of small ones; returns where it ends."""
    each = _width(width, _ACROSS_SMALL)
    for column, photo in enumerate(photos):
        _draw(paper, photo, thumbnails, (x + column * (each + _GAP), y + 1, each), _SMALL_LINES)
    return y + small_height(paper, photos, width)


def draw_large(paper: Paper, photos: Sequence[PhotoFact], thumbnails: Mapping[str, bytes]) -> None:
    """Draw them in rows over the width of the page, and of as many pages as it takes."""
    if not photos:
        return
    each = _width(WIDTH, _ACROSS_LARGE)
    rows = [photos[at : at + _ACROSS_LARGE] for at in range(0, len(photos), _ACROSS_LARGE)]
    if paper.room < _HEADING + _height(paper, rows[0], each, _LARGE_LINES):
        paper.add_page()
    heading(
        paper,
        "Photos, declared by the installer",
        aside="Reduced, and without the metadata they came with",
        colour=Colour.WARN,
    )
    for row in rows:
        height = _height(paper, row, each, _LARGE_LINES)
        if paper.room < height:
            paper.add_page()
        top = paper.get_y()
        for column, photo in enumerate(row):
            place = (MARGIN + column * (each + _GAP), top, each)
            _draw(paper, photo, thumbnails, place, _LARGE_LINES)
        paper.set_xy(MARGIN, top + height)


def _draw(
    paper: Paper,
    photo: PhotoFact,
    thumbnails: Mapping[str, bytes],
    place: tuple[float, float, float],
    most_lines: int,
) -> None:
    x, y, width = place
    height = width * _SHAPE
    with paper.artifact(), paper.local_context(fill_color=Colour.SHADE.value):
        paper.rect(x, y, width, height, style="F")
    data = thumbnails.get(photo.id)
    if data is not None:
        with paper.tagged(Structure.FIGURE, alt=f"Photo. {clean(_said(photo))}"):
            paper.image(BytesIO(data), x, y, width, height, keep_aspect_ratio=True)
    for number, line in enumerate(_caption(paper, photo, width)[:most_lines]):
        paper.set_xy(x, y + height + 0.4 + number * _LINE)
        paper.cell(width, _LINE, line)


def _caption(paper: Paper, photo: PhotoFact, width: float) -> list[str]:
    paper.ink(6.5, colour=Colour.MUTED)
    return paper.wrapped(clean(_said(photo)), width)


def _said(photo: PhotoFact) -> str:
    return photo.caption or f"Added {moment(photo.added_at)}"


def _width(whole: float, across: int) -> float:
    return (whole - (across - 1) * _GAP) / across


def _height(paper: Paper, photos: Sequence[PhotoFact], width: float, most_lines: int) -> float:
    lines = max(len(_caption(paper, photo, width)[:most_lines]) for photo in photos)
    return 1 + width * _SHAPE + 0.4 + lines * _LINE + _BELOW
