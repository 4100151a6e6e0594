"""What one register counted, by its samples, by power over time, and from start to end. In Wh."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from domain.checks import Evidence
from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.rules.registers import ANOTHER_REGISTER_WH, resolution_of

RELATIVE_TOLERANCE = 0.25
UNSAMPLED_FACTOR = 10
_RESOLUTIONS_WH = (100, 10, 1)
_MOST_W: Final = 1_000_000  # no vehicle draws more
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerOverTime:
    """Energy by power over time, over the samples that carry both power and register."""

    register_wh: float
    """What the register counted between the first and the last of them."""
    integral_wh: float
    """By trapezoids."""
    least_wh: float
    most_wh: float
    """Had the power between two samples been the lower, or the higher, of the two all the time."""

    def agrees(self, slack: float) -> bool:
        """Whether the register counted what the power allows, but for the tolerance."""
        least = self.least_wh * (1 - RELATIVE_TOLERANCE) - slack
        most = self.most_wh / (1 - RELATIVE_TOLERANCE) + slack
        return least <= self.register_wh <= most


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """The arithmetic of a transaction, for one reading of its samples."""

    registers: list[float]
    register_wh: float
    """Last minus first sample of the register."""
    start: int | None
    stop: int | None
    """What the register read at the start and at the end; None: not known."""
    transaction_wh: float | None
    """meterStop minus meterStart."""
    most_wh: float | None
    """More than the transaction can have counted, by what was sampled of it."""
    impossible_wh: float
    """More than any vehicle draws in the time."""
    seconds: float
    by_power: PowerOverTime | None
    resolution_wh: int
    notes: list[str] = field(default_factory=list)

    @property
    def slack_wh(self) -> int:
        """Two steps of the register: each of two numbers may lack almost one."""
        return 2 * self.resolution_wh


def sum_up(transaction: TransactionFact, ordered: Sequence[MeterReading]) -> Sums:
    """Do the arithmetic; what is missing for it is noted."""
    registers = [reading.energy_wh for reading in ordered if reading.energy_wh is not None]
    start, stop, notes = _ends(transaction)
    resolution = resolution_of(
        [*registers, *(float(end) for end in (start, stop) if end is not None)],
        steps=_RESOLUTIONS_WH,
    )
    if ordered and all(reading.power_w is None for reading in ordered):
        notes.append("The charge point reports no power, so energy was not held against it.")
    elif len(ordered) > 1 and ordered[0].at == ordered[-1].at:
        notes.append(
            "All its samples carry the same time, so energy was not held against power: does its "
            "clock stand still?"
        )
    seconds = _seconds(transaction, ordered)
    return Sums(
        registers=registers,
        register_wh=registers[-1] - registers[0] if registers else 0.0,
        start=start,
        stop=stop,
        transaction_wh=None if stop is None or start is None else float(stop - start),
        most_wh=_most(transaction, ordered),
        impossible_wh=ANOTHER_REGISTER_WH + _MOST_W * seconds / _SECONDS_PER_HOUR,
        seconds=seconds,
        by_power=_power_over_time(ordered),
        resolution_wh=resolution,
        notes=notes,
    )


def evidence_of(transaction: TransactionFact, sums: Sums, *, samples: int) -> Evidence:
    """Put the arithmetic on the record."""
    power = sums.by_power
    return {
        "transaction_id": transaction.transaction_id,
        "connector_id": transaction.connector_id,
        "meter_start_wh": transaction.meter_start,
        "meter_stop_wh": transaction.meter_stop,
        "transaction_energy_wh": sums.transaction_wh,
        "samples": samples,
        "register_energy_wh": _round(sums.register_wh),
        "power_over_time_wh": None if power is None else _round(power.integral_wh),
        "power_over_time_least_wh": None if power is None else _round(power.least_wh),
        "power_over_time_most_wh": None if power is None else _round(power.most_wh),
        "register_resolution_wh": sums.resolution_wh,
        "relative_tolerance": RELATIVE_TOLERANCE,
    }


def power_points(ordered: Sequence[MeterReading]) -> list[tuple[float, float]]:
    """Give the seconds and the power (W) of the samples that carry power."""
    return [(one.at.timestamp(), one.power_w) for one in ordered if one.power_w is not None]


def integral(points: Sequence[tuple[float, float]]) -> float:
    """Sum power (W) over time (s) up to energy (Wh), by trapezoids."""
    return sum(
        (power_1 + power_2) / 2 * (at_2 - at_1) / _SECONDS_PER_HOUR
        for (at_1, power_1), (at_2, power_2) in pairwise(points)
    )


def _ends(transaction: TransactionFact) -> tuple[int | None, int | None, list[str]]:
    """Give the register at the start and at the end, as far as they are known, and what is not."""
    start, stop, notes = transaction.meter_start, transaction.meter_stop, list[str]()
    if start is None:
        notes.append("The charge point did not say what its meter read at the start.")
    elif start < 0:
        notes.append(f"meterStart is {start}, so the charge point does not know it.")
        start = None
    if stop is None and transaction.stopped_at is not None:
        notes.append("The charge point did not say what its meter read at the stop.")
    elif stop is not None and stop < 0:
        notes.append(f"meterStop is {stop}, so the charge point does not know it.")
        stop = None
    return start, stop, notes


def _seconds(transaction: TransactionFact, ordered: Sequence[MeterReading]) -> float:
    """Return for how long it charged, by whichever of its stamps say longer."""
    sampled = (ordered[-1].at - ordered[0].at).total_seconds() if ordered else 0.0
    if transaction.stopped_at is None:
        return max(sampled, 0.0)
    return max(sampled, (transaction.stopped_at - transaction.started_at).total_seconds(), 0.0)


def _power_over_time(ordered: Sequence[MeterReading]) -> PowerOverTime | None:
    points = [
        (reading.at.timestamp(), reading.power_w, reading.energy_wh)
        for reading in ordered
        if reading.power_w is not None and reading.energy_wh is not None
    ]
    if len(points) < 2 or points[0][0] == points[-1][0]:  # noqa: PLR2004 - an area needs two points
        return None
    least = most = 0.0
    for (at_1, power_1, _), (at_2, power_2, _) in pairwise(points):
        hours = (at_2 - at_1) / _SECONDS_PER_HOUR
        least += min(power_1, power_2) * hours
        most += max(power_1, power_2) * hours
    return PowerOverTime(
        register_wh=points[-1][2] - points[0][2],
        integral_wh=integral([(at, power) for at, power, _ in points]),
        least_wh=least,
        most_wh=most,
    )


def _most(transaction: TransactionFact, ordered: Sequence[MeterReading]) -> float | None:
    """Bound the transaction's energy generously: what no sample covers, at the highest power.

    None when the samples cover less than a tenth of it: a vehicle may draw ten times more later.
    """
    sampled = [
        (reading.at, reading.energy_wh) for reading in ordered if reading.energy_wh is not None
    ]
    if transaction.stopped_at is None or not sampled:
        return None
    register_wh = sampled[-1][1] - sampled[0][1]
    sampled_s = (sampled[-1][0] - sampled[0][0]).total_seconds()
    whole_s = (transaction.stopped_at - transaction.started_at).total_seconds()
    if sampled_s * UNSAMPLED_FACTOR < whole_s or sampled_s <= 0:
        return None
    peak_w = max((reading.power_w or 0.0 for reading in ordered), default=0.0)
    peak_w = max(peak_w, register_wh / sampled_s * _SECONDS_PER_HOUR)
    if peak_w <= 0:
        return None
    unsampled_s = max(whole_s - sampled_s, 0.0)
    return UNSAMPLED_FACTOR * (register_wh + peak_w * unsampled_s / _SECONDS_PER_HOUR)


def _round(value: float) -> float:
    return round(value, 3)
