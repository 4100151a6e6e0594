"""Places the test charge in an SVG; see :mod:`documents.certificate.charge` for the same as PDF.

`plot.svg` draws it with what is here.
"""

from typing import Final

from documents.plot import Points

width, height = 560, 210
left, right, top, bottom = 44, 516, 24, 168
marked: Final = 40
"""So many points are still told apart."""
accent: Final = "#0b5cad"
good: Final = "#166e3e"
muted: Final = "#5b6875"


def across(at: float) -> str:
    """Where a share of the time lies."""
    return f"{left + at * (right - left):.1f}"


def up(at: float, below: float = 0) -> str:
    """Where a share of an axis lies, or what stands so much below it."""
    return f"{bottom - at * (bottom - top) + below:.1f}"


def placed(points: Points) -> str:
    """Where the points of a line lie."""
    return " ".join(f"{across(one)},{up(other)}" for one, other in points)


def area(points: Points) -> str:
    """Where the area below a line lies."""
    first, last = points[0][0], points[-1][0]
    return f"{across(first)},{bottom} {placed(points)} {across(last)},{bottom}"
