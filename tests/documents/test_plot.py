"""What the plot of a test charge shows of readings as charge points send them."""

from dataclasses import replace

import pytest

from documents.plot import Points, plot_charge
from domain.commissioning import MeterReading
from tests.domain.meters import Charge, transaction

FULL = Charge(power_w=22_000)
LIFE = FULL.readings((10, 20, 30, 40, 50))
SESSION = [replace(one, energy_wh=(one.energy_wh or 0) - FULL.start_wh) for one in LIFE]
MIXED = [SESSION[n] if n % 2 else LIFE[n] for n in range(5)]


def energy(readings: list[MeterReading], *, stop: int | None = 123_822) -> tuple[float, Points]:
    """The top of the axis, in Wh, and the line."""
    plot = plot_charge(transaction(meter_start=123_456, meter_stop=stop), readings)
    assert plot is not None
    assert plot.energy is not None
    return plot.energy.top, plot.energy_points


@pytest.mark.parametrize(
    ("readings", "stop", "most"),
    [
        (LIFE, 123_822, 366),
        (SESSION, 123_822, 305),  # the register at the start and the end is another
        (MIXED, 123_822, 366),
        (LIFE, -1, 305),
    ],
)
def test_the_line_rises_by_what_was_counted(
    readings: list[MeterReading], stop: int, most: float
) -> None:
    top, points = energy(readings, stop=stop)
    heights = [up * top for _, up in points]
    assert heights == sorted(heights)
    assert heights[0] == 0 or readings is not SESSION
    assert max(heights) == pytest.approx(most, abs=62)
    assert top < 1_000
