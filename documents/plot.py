"""Geometry of a small plot: power and energy of a charge over time. Drawn as PDF and as SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.rules.metering import readings_that_count
from domain.rules.registers import ANOTHER_REGISTER_WH

Points = tuple[tuple[float, float], ...]
"""Across and up, each from 0 to 1 within the frame."""
_MOST_POINTS: Final = 400
_STEPS: Final = (1, 2, 2.5, 5, 10)
_TIME_STEPS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_WANTED_TICKS: Final = 4
_KILO: Final = 1000
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where (0 to 1), and what it says."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """An axis from 0 to ``top`` in ``unit``."""

    unit: str
    top: float
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePlot:
    """Power over the left axis, energy since the start over the right one; None: not reported."""

    time: Axis
    power: Axis | None
    energy: Axis | None
    power_points: Points
    energy_points: Points


def plot_charge(
    transaction: TransactionFact, readings: Sequence[MeterReading]
) -> ChargePlot | None:
    """Lay out the plot; None when there are no two moments to draw a line between.

    The transaction's own start and stop count as readings, if they are of the same register.
    """
    began = transaction.started_at
    readings = readings_that_count(transaction, readings)
    energy = [
        (_after(began, one.at), one.energy_wh) for one in readings if one.energy_wh is not None
    ]
    energy += _ends(transaction, [value for _, value in energy])
    energies = _series(energy, less=min((value for _, value in energy), default=0.0))
    powers = _series(
        [(_after(began, one.at), one.power_w) for one in readings if one.power_w is not None]
    )
    last = max((at for at, _ in (*energies, *powers)), default=0.0)
    if last <= 0 or max(len(energies), len(powers)) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    power_axis = _axis([value / _KILO for _, value in powers], "kW")
    energy_unit = _KILO if max((value for _, value in energies), default=0) >= 10 * _KILO else 1
    energy_axis = _axis(
        [value / energy_unit for _, value in energies], "Wh" if energy_unit == 1 else "kWh"
    )
    return ChargePlot(
        time=_time_axis(last),
        power=power_axis,
        energy=energy_axis,
        power_points=_points(powers, last, power_axis, _KILO),
        energy_points=_points(energies, last, energy_axis, energy_unit),
    )


def _ends(transaction: TransactionFact, sampled: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Give the register at the start and at the end, where they are that of the samples."""
    if not sampled:
        return
    start, stop = transaction.meter_start, transaction.meter_stop
    if start is not None and 0 <= sampled[0] - start <= ANOTHER_REGISTER_WH:
        yield 0.0, float(start)
    stopped = transaction.stopped_at
    if stopped is None or stop is None:
        return
    if 0 <= stop - sampled[0] <= ANOTHER_REGISTER_WH:
        yield _after(transaction.started_at, stopped), float(stop)


def _after(began: datetime, at: datetime) -> float:
    # The clock of a charge point may jump: what lies before the start is drawn at the start.
    return max((at - began).total_seconds(), 0.0)


def _series(
    values: Sequence[tuple[float, float]], *, less: float = 0.0
) -> list[tuple[float, float]]:
    points = sorted((at, max(value - less, 0.0)) for at, value in values)
    step = max(len(points) // _MOST_POINTS, 1)
    return [*points[:-1:step], points[-1]] if points else []


def _points(
    values: Sequence[tuple[float, float]], last: float, axis: Axis | None, unit: float
) -> Points:
    if axis is None:
        return ()
    return tuple((at / last, min(value / unit / axis.top, 1.0)) for at, value in values)


def _axis(values: Sequence[float], unit: str) -> Axis | None:
    if not values:
        return None
    highest = max(*values, 1e-3)
    size = 10 ** math.floor(math.log10(highest / _WANTED_TICKS))
    step = next(size * factor for factor in _STEPS if size * factor * _WANTED_TICKS >= highest)
    count = math.ceil(highest / step - 1e-9)
    top = step * count
    return Axis(
        unit=unit,
        top=top,
        ticks=tuple(Tick(place / count, f"{place * step:,.6g}") for place in range(count + 1)),
    )


def _time_axis(last: float) -> Axis:
    step = next((one for one in _TIME_STEPS if one * 6 >= last), math.ceil(last / 6))
    seconds = last < _MINUTE
    ticks = tuple(
        Tick(at * step / last, str(at * step) if seconds else _clock(at * step))
        for at in range(int(last // step) + 1)
    )
    return Axis(unit="s" if seconds else "min:s", top=last, ticks=ticks)


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, _MINUTE)
    return f"{minutes}:{rest:02}"
