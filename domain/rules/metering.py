"""Did real energy flow, and does the meter agree with itself? All energies in Wh."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.checks import Evidence, Failure
from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.failures import FailureCode, failure

RELATIVE_TOLERANCE = 0.25
UNSAMPLED_FACTOR = 10
_RESOLUTIONS_WH = (100, 10, 1)
_MOVES_ANY_REGISTER_WH = 5
_UNIT_FAULT_BAND = (300.0, 3000.0)  # power over time beside energy when kWh are labelled Wh
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterVerdict:
    """The arithmetic, always, and the failure it leads to, if any."""

    evidence: Evidence
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _PowerOverTime:
    """Energy by power over time, over the samples that carry both power and register."""

    register_wh: float
    """What the register counted between the first and the last of them."""
    integral_wh: float
    """By trapezoids."""
    least_wh: float
    most_wh: float
    """Had the power between two samples been the lower, or the higher, of the two all the time."""


@dataclass(slots=True)
class _Sums:
    registers: list[float]
    register_wh: float
    """Last minus first sample of the register."""
    transaction_wh: float | None
    """meterStop minus meterStart."""
    most_wh: float | None
    """More than the transaction can have counted, by what was sampled of it."""
    by_power: _PowerOverTime | None
    resolution_wh: int
    notes: list[str] = field(default_factory=list)


def judge_metering(transaction: TransactionFact, readings: Sequence[MeterReading]) -> MeterVerdict:
    """Verify a stopped test transaction by its meter values.

    The register never falls, it moved, power over time agrees with it within a tolerance, and
    meterStop - meterStart agrees with the samples. The tolerance is a quarter plus two steps of the
    register's resolution, which is read off the values (registers move in 1, 10 or 100 Wh).
    """
    ordered = sorted(_of_transaction(readings), key=_order)
    sums = _sum_up(transaction, ordered)
    evidence = _evidence(transaction, sums, samples=len(ordered))
    unreadable = sum(reading.unreadable for reading in readings)
    if unreadable:
        evidence["samples_unreadable"] = unreadable

    def verdict(problem: Failure | None) -> MeterVerdict:
        return MeterVerdict(evidence=evidence, notes=tuple(sums.notes), failure=problem)

    if not sums.registers:
        if unreadable:
            return verdict(failure(FailureCode.METER_UNREADABLE, count=unreadable))
        return verdict(failure(FailureCode.NO_METER_VALUES))
    for before, after in pairwise(sums.registers):
        if after < before:
            return verdict(
                failure(FailureCode.METER_FELL, before_wh=_round(before), after_wh=_round(after))
            )
    energy = max(sums.register_wh, sums.transaction_wh or 0.0)
    stands_still = _stands_still_under_power(ordered)
    if energy <= 0 and stands_still is not None:
        return verdict(stands_still)
    if energy <= 0:
        return verdict(failure(FailureCode.NO_ENERGY, register_wh=_round(sums.registers[-1])))
    return verdict(_disagreement(sums))


def _of_transaction(readings: Sequence[MeterReading]) -> Sequence[MeterReading]:
    """Leave those out that name no transaction, where others do.

    Some firmware counts from zero in a session, and sends the register for life beside it, clock
    by clock, without a transaction.
    """
    named = [reading for reading in readings if not reading.inferred]
    return named if any(reading.energy_wh is not None for reading in named) else readings


def _stands_still_under_power(ordered: Sequence[MeterReading]) -> Failure | None:
    """Power was reported for long enough that any register in Wh would have moved."""
    points = [(one.at.timestamp(), one.power_w) for one in ordered if one.power_w is not None]
    wh = sum(
        (power_1 + power_2) / 2 * (at_2 - at_1) / _SECONDS_PER_HOUR
        for (at_1, power_1), (at_2, power_2) in pairwise(points)
    )
    if wh < _MOVES_ANY_REGISTER_WH:
        return None
    return failure(
        FailureCode.METER_STANDS_STILL,
        register_wh=_round(max(one.energy_wh for one in ordered if one.energy_wh is not None)),
        power_w=_round(max(power for _, power in points)),
        expected_wh=_round(wh),
    )


def _order(reading: MeterReading) -> tuple[float, float]:
    # Time stamps of whole seconds are common: within one, the register tells what came first.
    register = -math.inf if reading.energy_wh is None else reading.energy_wh
    return reading.at.timestamp(), register


def _sum_up(transaction: TransactionFact, ordered: Sequence[MeterReading]) -> _Sums:
    registers = [reading.energy_wh for reading in ordered if reading.energy_wh is not None]
    start, stop = transaction.meter_start, transaction.meter_stop
    odd = None
    if stop is not None and stop < 0:
        odd, stop = f"meterStop is {stop}, so the charge point does not know it.", None
    elif stop is None and transaction.stopped_at is not None:
        odd = "The charge point did not say what its meter read at the stop."
    elif start is None:
        odd = "The charge point did not say what its meter read at the start."
    sums = _Sums(
        registers=registers,
        register_wh=registers[-1] - registers[0] if registers else 0.0,
        transaction_wh=None if stop is None or start is None else float(stop - start),
        most_wh=_most(transaction, ordered),
        by_power=_power_over_time(ordered),
        resolution_wh=_resolution(transaction, registers),
    )
    if odd is not None:
        sums.notes.append(odd)
    if ordered and all(reading.power_w is None for reading in ordered):
        sums.notes.append("The charge point reports no power, so energy was not held against it.")
    return sums


def _resolution(transaction: TransactionFact, registers: Sequence[float]) -> int:
    ends = transaction.meter_start or 0, max(transaction.meter_stop or 0, 0)
    values = [*registers, *map(float, ends)]
    return next((step for step in _RESOLUTIONS_WH if all(value % step == 0 for value in values)), 1)


def _power_over_time(ordered: Sequence[MeterReading]) -> _PowerOverTime | None:
    points = [
        (reading.at.timestamp(), reading.power_w, reading.energy_wh)
        for reading in ordered
        if reading.power_w is not None and reading.energy_wh is not None
    ]
    if len(points) < 2:  # noqa: PLR2004 - an area needs two points
        return None
    least = integral = most = 0.0
    for (at_1, power_1, _), (at_2, power_2, _) in pairwise(points):
        hours = (at_2 - at_1) / _SECONDS_PER_HOUR
        least += min(power_1, power_2) * hours
        integral += (power_1 + power_2) / 2 * hours
        most += max(power_1, power_2) * hours
    return _PowerOverTime(
        register_wh=points[-1][2] - points[0][2],
        integral_wh=integral,
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


def _disagreement(sums: _Sums) -> Failure | None:
    slack = 2 * sums.resolution_wh
    power = sums.by_power
    if power is not None and not _agree(power, slack):
        ratio = power.integral_wh / power.register_wh if power.register_wh else math.inf
        low, high = _UNIT_FAULT_BAND
        return failure(
            FailureCode.METER_UNITS if low < ratio < high else FailureCode.METER_DISAGREES,
            energy_wh=_round(power.register_wh),
            expected_wh=_round(power.integral_wh),
            source="power over time",
        )
    total = sums.transaction_wh
    if total is None:
        return None
    # The samples lie inside the transaction: it may count more than they do, and never less.
    too_much = sums.most_wh is not None and total > sums.most_wh + slack
    if total < sums.register_wh - slack or too_much:
        return failure(
            FailureCode.METER_DISAGREES,
            energy_wh=_round(total),
            expected_wh=_round(sums.register_wh),
            source="the samples",
        )
    return None


def _agree(power: _PowerOverTime, slack: float) -> bool:
    least = power.least_wh * (1 - RELATIVE_TOLERANCE) - slack
    most = power.most_wh / (1 - RELATIVE_TOLERANCE) + slack
    return least <= power.register_wh <= most


def _evidence(transaction: TransactionFact, sums: _Sums, *, samples: int) -> Evidence:
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


def _round(value: float) -> float:
    return round(value, 3)
