"""Draws the test charge as SVG; see :mod:`documents.certificate.charge` for the same as PDF."""

from typing import Final

from documents.certificate.markup import Markup, tag
from documents.plot import Axis, ChargePlot, Points

_WIDTH, _HEIGHT = 560, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 516, 24, 168
_ACCENT: Final = "#0b5cad"
_GOOD: Final = "#166e3e"
_MUTED: Final = "#5b6875"
_RULE: Final = "#d0d6dd"
_MARKED: Final = 40


def draw_svg(plot: ChargePlot) -> Markup:
    """Draw the plot, with its axes and units."""
    parts = [_level(tick.at) for tick in (plot.power or plot.energy or plot.time).ticks]
    if plot.power is not None:
        parts += [_area(plot.power_points), _line(plot.power_points, _ACCENT)]
        parts += _axis(plot.power, on_left=True, colour=_ACCENT)
        parts.append(_text(2, 12, f"Power, {plot.power.unit}", _ACCENT, "start"))
    if plot.energy is not None:
        parts.append(_line(plot.energy_points, _GOOD))
        parts += _axis(plot.energy, on_left=False, colour=_GOOD)
        parts.append(_text(_WIDTH - 2, 12, f"Energy, {plot.energy.unit}", _GOOD, "end"))
    for tick in plot.time.ticks:
        parts.append(_text(_across(tick.at), _BOTTOM + 15, tick.label, _MUTED, "middle"))
    said = f"Time since the start, {plot.time.unit}"
    parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 33, said, _MUTED, "middle"))
    return tag(
        "svg",
        tag("title", "Power and energy of the test charge over time"),
        *parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )


def _across(at: float) -> float:
    return _LEFT + at * (_RIGHT - _LEFT)


def _up(at: float) -> float:
    return _BOTTOM - at * (_BOTTOM - _TOP)


def _placed(points: Points) -> str:
    return " ".join(f"{_across(across):.1f},{_up(up):.1f}" for across, up in points)


def _level(at: float) -> Markup:
    height = f"{_up(at):.1f}"
    return tag("line", x1=str(_LEFT), x2=str(_RIGHT), y1=height, y2=height, stroke=_RULE)


def _area(points: Points) -> Markup:
    if not points:
        return Markup("")
    first, last = _across(points[0][0]), _across(points[-1][0])
    outline = f"{first:.1f},{_BOTTOM} {_placed(points)} {last:.1f},{_BOTTOM}"
    return tag("polygon", points=outline, fill=_ACCENT, fill_opacity="0.12")


def _line(points: Points, colour: str) -> Markup:
    dots = points if len(points) <= _MARKED else ()
    return tag(
        "g",
        tag("polyline", points=_placed(points), fill="none", stroke=colour, stroke_width="2"),
        *(
            tag("circle", cx=f"{_across(across):.1f}", cy=f"{_up(up):.1f}", r="2.5", fill=colour)
            for across, up in dots
        ),
    )


def _axis(axis: Axis, *, on_left: bool, colour: str) -> list[Markup]:
    at, anchor = (_LEFT - 6, "end") if on_left else (_RIGHT + 6, "start")
    return [_text(at, _up(tick.at) + 4, tick.label, colour, anchor) for tick in axis.ticks]


def _text(x: float, y: float, said: str, colour: str, anchor: str) -> Markup:
    return tag("text", said, x=f"{x:.1f}", y=f"{y:.1f}", fill=colour, text_anchor=anchor)
