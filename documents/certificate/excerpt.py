"""Draws the frames that prove a run: as many as there is room for, each on two lines at most."""

from collections.abc import Sequence
from typing import Final

from documents.certificate.frames import frame_text
from documents.certificate.parts import heading
from documents.fonts import Typeface
from documents.paper import WIDTH, Colour, Paper
from documents.text import clean
from domain.certificates import Frame, FrameDirection
from domain.rules.excerpt import fewer

_SIZE: Final = 5.6
_LINE: Final = 2.7
_TIME: Final = 19.0
_HEADING: Final = 8.0
_FEWEST: Final = 5
_LENGTH: Final = 2000


def fitting(paper: Paper, frames: Sequence[Frame], room: float) -> tuple[Frame, ...] | None:
    """Cut an excerpt to what fits, heading included; None where not even the fewest fit."""
    for most in range(len(frames), min(_FEWEST, len(frames)) - 1, -1):
        chosen = fewer(frames, most)
        if _HEADING + max(_height(paper, chosen), _LINE) <= room:
            return chosen
    return None


def draw_frames(paper: Paper, frames: Sequence[Frame], *, logged: int) -> None:
    """Draw them, below each other; ``logged`` is how many there were."""
    if paper.room < _HEADING + _height(paper, frames):
        paper.add_page()
    aside = f"{len(frames)} of {logged} that were logged; times in UTC" if logged else ""
    heading(paper, "Frames that prove it", aside=aside)
    if not frames:
        paper.ink(7.6, colour=Colour.MUTED)
        paper.line_of("The log of this run holds no frames.")
    for frame in frames:
        paper.ink(_SIZE, colour=Colour.MUTED, family=Typeface.MONO)
        arrow = "◀" if frame.direction is FrameDirection.FROM_CHARGE_POINT else "▶"
        left = paper.get_x()
        paper.cell(_TIME, _LINE, f"{frame.at:%H:%M:%S.%f}"[:12] + f" {arrow}")
        for line in _lines(paper, frame):
            paper.ink(_SIZE, family=Typeface.MONO)
            paper.set_x(left + _TIME)
            paper.cell(WIDTH - _TIME, _LINE, line)
            paper.ln(_LINE)


def _height(paper: Paper, frames: Sequence[Frame]) -> float:
    return _LINE * sum(len(_lines(paper, frame)) for frame in frames)


def _lines(paper: Paper, frame: Frame) -> list[str]:
    paper.ink(_SIZE, family=Typeface.MONO)
    text, width = clean(frame_text(frame), at_most=_LENGTH), WIDTH - _TIME
    first = paper.fitted(text, width)
    if first == text:
        return [text]
    break_at = first.rfind(",") + 1  # between two members, if the rest then has room
    if not break_at or paper.width_of(text[break_at:]) > width:
        break_at = len(first) - 1
    return [text[:break_at], paper.fitted(text[break_at:], width)]
