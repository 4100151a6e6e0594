"""A drawn signature: an SVG path (SVG 2, section 9.3) of strokes, as signature pads write it."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MOST_CHARACTERS: Final = 20_000
_TOKEN: Final = re.compile(r"[\s,]*(?:([MLCQ])|(-?[0-9]{1,6}(?:\.[0-9]{1,6})?))")
_NUMBERS: Final = {"M": 2, "L": 2, "Q": 4, "C": 6}
_PIECES: Final = 8
"""Straight pieces that a curve is drawn with."""

Point = tuple[float, float]
Stroke = tuple[Point, ...]


class DrawingError(ValueError):
    """The path is none of pen strokes."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Pen strokes; across to the right and down, in a unit of their own."""

    strokes: tuple[Stroke, ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of what it covers."""
        across, down = zip(*(point for stroke in self.strokes for point in stroke), strict=True)
        left, top = min(across), min(down)
        return left, top, max(across) - left, max(down) - top


def read_drawing(path: str) -> Drawing:
    """Read a path of the absolute commands M, L, Q and C.

    Raises:
        DrawingError: It is something else, or covers no area.

    """
    strokes: list[list[Point]] = []
    for command, numbers in _commands(path):
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "M":
            strokes.append(points)
        elif not strokes:
            raise DrawingError("must begin with M")
        elif command == "L":
            strokes[-1] += points
        else:
            strokes[-1] += _curve([strokes[-1][-1], *points])
    drawing = Drawing(tuple(map(tuple, strokes)))
    if not strokes or not all(drawing.box[2:]):
        raise DrawingError("must have pen strokes that cover an area")
    return drawing


def _commands(path: str) -> list[tuple[str, list[float]]]:
    found: list[tuple[str, list[float]]] = []
    at, end = 0, len(path.rstrip())
    while at < end:
        token = _TOKEN.match(path, at)
        if token is None:
            raise DrawingError("must be an SVG path of the absolute commands M, L, Q and C")
        at = token.end()
        if token[1]:
            found.append((token[1], []))
        elif found:
            found[-1][1].append(float(token[2]))
        else:
            raise DrawingError("must begin with M")
    return [one for command, numbers in found for one in _repeated(command, numbers)]


def _repeated(command: str, numbers: list[float]) -> list[tuple[str, list[float]]]:
    """Take several of one command apart; after the first pair of an M come lines."""
    each = _NUMBERS[command]
    if not numbers or len(numbers) % each:
        raise DrawingError(f"{command} must be followed by {each} numbers, or several times that")
    parts = [numbers[at : at + each] for at in range(0, len(numbers), each)]
    return [("L" if command == "M" and place else command, one) for place, one in enumerate(parts)]


def _curve(points: list[Point]) -> list[Point]:
    """Divide a Bézier curve into straight pieces (de Casteljau), without its first point."""
    found = []
    for piece in range(1, _PIECES + 1):
        share, left = piece / _PIECES, points
        while len(left) > 1:
            left = [
                (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
                for a, b in pairwise(left)
            ]
        found.append(left[0])
    return found
