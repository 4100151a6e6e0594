"""Draws the test charge: power and energy over time, as vectors."""

from typing import Final

from documents.paper import Colour, Paper
from documents.plot import Axis, ChargePlot, Points
from documents.tagging import Structure

_GUTTER: Final = 11.0
_BELOW: Final = 6.0
_ABOVE: Final = 5.0
_LABEL_POINTS: Final = 6.5


def draw_plot(
    paper: Paper, plot: ChargePlot, *, x: float, y: float, width: float, height: float
) -> None:
    """Draw the plot into that rectangle (millimetres), axis labels included."""
    shown = [
        f"{name} up to {axis.top:g} {axis.unit}"
        for name, axis in (("power", plot.power), ("energy", plot.energy))
        if axis is not None
    ]
    alt = f"Plot over {plot.time.top:g} {plot.time.unit}: {', '.join(shown)}"
    with paper.tagged(Structure.FIGURE, alt=alt):
        _draw(paper, plot, x=x, y=y, width=width, height=height)


def _draw(
    paper: Paper, plot: ChargePlot, *, x: float, y: float, width: float, height: float
) -> None:
    left, right = x + _GUTTER, x + width - _GUTTER
    top, bottom = y + _ABOVE, y + height - _BELOW
    _grid(paper, plot, (left, top, right, bottom))
    frame = (left, top, right, bottom)
    if plot.power is not None:
        _area(paper, plot.power_points, frame)
        _value_axis(paper, plot.power, frame, on_left=True, colour=Colour.ACCENT)
        _title(paper, f"Power, {plot.power.unit}", left, y, Colour.ACCENT, align="L")
    if plot.energy is not None:
        _line(paper, plot.energy_points, frame, Colour.GOOD)
        _value_axis(paper, plot.energy, frame, on_left=False, colour=Colour.GOOD)
        _title(paper, f"Energy, {plot.energy.unit}", right, y, Colour.GOOD, align="R")
    paper.ink(_LABEL_POINTS, colour=Colour.MUTED)
    for tick in plot.time.ticks:
        at = left + tick.at * (right - left)
        paper.set_xy(at - 8, bottom + 0.8)
        paper.cell(16, 3, tick.label, align="C")
    paper.set_xy(left, bottom + 3.2)
    paper.cell(right - left, 3, f"Time since the start, {plot.time.unit}", align="C")


_Frame = tuple[float, float, float, float]


def _grid(paper: Paper, plot: ChargePlot, frame: _Frame) -> None:
    left, top, right, bottom = frame
    levels = (plot.power or plot.energy or plot.time).ticks
    with paper.pen(Colour.RULE, 0.15):
        for tick in levels:
            height = bottom - tick.at * (bottom - top)
            paper.line(left, height, right, height)
    with paper.pen(Colour.MUTED, 0.25):
        paper.line(left, bottom, right, bottom)


def _area(paper: Paper, points: Points, frame: _Frame) -> None:
    drawn = _placed(points, frame)
    if not drawn:
        return
    bottom = frame[3]
    outline = [(drawn[0][0], bottom), *drawn, (drawn[-1][0], bottom)]
    with paper.local_context(fill_color=Colour.ACCENT.value, fill_opacity=0.12):
        paper.polygon(outline, style="F")
    _line(paper, points, frame, Colour.ACCENT)


def _line(paper: Paper, points: Points, frame: _Frame, colour: Colour) -> None:
    drawn = _placed(points, frame)
    with paper.local_context(
        draw_color=colour.value, fill_color=colour.value, line_width=0.45, stroke_join_style="round"
    ):
        if len(drawn) > 1:
            paper.polyline(drawn)
        if len(drawn) <= _MARKED:
            for at, height in drawn:
                paper.circle(at, height, 0.55, style="F")


_MARKED: Final = 40
"""So many points are still told apart."""


def _placed(points: Points, frame: _Frame) -> list[tuple[float, float]]:
    left, top, right, bottom = frame
    return [(left + across * (right - left), bottom - up * (bottom - top)) for across, up in points]


def _value_axis(paper: Paper, axis: Axis, frame: _Frame, *, on_left: bool, colour: Colour) -> None:
    left, top, right, bottom = frame
    paper.ink(_LABEL_POINTS, colour=colour)
    for tick in axis.ticks:
        height = bottom - tick.at * (bottom - top)
        paper.set_xy(left - _GUTTER if on_left else right + 1.2, height - 1.5)
        paper.cell(_GUTTER - 1.2, 3, tick.label, align="R" if on_left else "L")


def _title(paper: Paper, text: str, x: float, y: float, colour: Colour, *, align: str) -> None:
    paper.ink(_LABEL_POINTS + 0.5, bold=True, colour=colour)
    paper.set_xy(x - _GUTTER if align == "L" else x - 40 + _GUTTER, y)
    paper.cell(40, 3.5, text, align=align)
