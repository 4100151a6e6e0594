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
_RESOLUTIONS_WH = (100, 10, 1)
_KILO = 1000
_UNIT_FAULT_BAND = (300.0, 3000.0)  # power over time beside energy when kWh are labelled Wh
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterVerdict:
    """The arithmetic, always, and the failure it leads to, if any."""

    evidence: Evidence
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(slots=True)
class _Sums:
    registers: list[float]
    register_wh: float
    """Last minus first sample of the register."""
    transaction_wh: float | None
    """meterStop minus meterStart."""
    integral_wh: float | None
    """Power over the time between the samples."""
    resolution_wh: int
    notes: list[str] = field(default_factory=list)


def judge_metering(transaction: TransactionFact, readings: Sequence[MeterReading]) -> MeterVerdict:
    """Verify a stopped test transaction by its meter values.

    The register never falls, it moved, power over time agrees with it within a tolerance, and
    meterStop - meterStart agrees with the samples. The tolerance is a quarter plus two steps of the
    register's resolution, which is read off the values (registers move in 1, 10 or 100 Wh).
    """
    ordered = sorted(readings, key=lambda reading: reading.at)
    sums = _sum_up(transaction, ordered)
    evidence = _evidence(transaction, sums, samples=len(ordered))

    def verdict(problem: Failure | None) -> MeterVerdict:
        return MeterVerdict(evidence=evidence, notes=tuple(sums.notes), failure=problem)

    if not sums.registers:
        return verdict(failure(FailureCode.NO_METER_VALUES))
    for before, after in pairwise(sums.registers):
        if after < before:
            return verdict(
                failure(FailureCode.METER_FELL, before_wh=_round(before), after_wh=_round(after))
            )
    energy = max(sums.register_wh, sums.transaction_wh or 0.0)
    if energy <= 0:
        return verdict(failure(FailureCode.NO_ENERGY, register_wh=_round(sums.registers[-1])))
    return verdict(_disagreement(sums))


def _sum_up(transaction: TransactionFact, ordered: Sequence[MeterReading]) -> _Sums:
    registers = [reading.energy_wh for reading in ordered if reading.energy_wh is not None]
    stop = transaction.meter_stop
    sums = _Sums(
        registers=registers,
        register_wh=registers[-1] - registers[0] if registers else 0.0,
        transaction_wh=None if stop is None else float(stop - transaction.meter_start),
        integral_wh=_integral(ordered),
        resolution_wh=_resolution(transaction, registers),
    )
    if sums.integral_wh is None:
        sums.notes.append("The charge point reports no power, so energy was not held against it.")
    return sums


def _resolution(transaction: TransactionFact, registers: Sequence[float]) -> int:
    values = [*registers, float(transaction.meter_start), float(transaction.meter_stop or 0)]
    return next((step for step in _RESOLUTIONS_WH if all(value % step == 0 for value in values)), 1)


def _integral(ordered: Sequence[MeterReading]) -> float | None:
    """Power over time by trapezoids, over the samples that carry both power and energy."""
    points = [
        (reading.at.timestamp(), reading.power_w)
        for reading in ordered
        if reading.power_w is not None and reading.energy_wh is not None
    ]
    if len(points) < 2:  # noqa: PLR2004 - an area needs two points
        return None
    return sum(
        (power_1 + power_2) / 2 * (at_2 - at_1) / _SECONDS_PER_HOUR
        for (at_1, power_1), (at_2, power_2) in pairwise(points)
    )


def _disagreement(sums: _Sums) -> Failure | None:
    slack = 2 * sums.resolution_wh
    if sums.integral_wh is not None and not _agree(sums.register_wh, sums.integral_wh, slack):
        ratio = sums.integral_wh / sums.register_wh if sums.register_wh else math.inf
        code = (
            FailureCode.METER_UNITS
            if _UNIT_FAULT_BAND[0] < ratio < _UNIT_FAULT_BAND[1]
            else FailureCode.METER_DISAGREES
        )
        return failure(
            code,
            energy_wh=_round(sums.register_wh),
            expected_wh=_round(sums.integral_wh),
            source="power over time",
        )
    total = sums.transaction_wh
    # The samples lie inside the transaction: it may count a little more than they do, never less.
    if total is not None and total < sums.register_wh - slack:
        return failure(
            FailureCode.METER_DISAGREES,
            energy_wh=_round(total),
            expected_wh=_round(sums.register_wh),
            source="the samples",
        )
    return None


def _agree(one: float, other: float, slack: float) -> bool:
    return abs(one - other) <= RELATIVE_TOLERANCE * max(abs(one), abs(other)) + slack


def _evidence(transaction: TransactionFact, sums: _Sums, *, samples: int) -> Evidence:
    return {
        "transaction_id": transaction.transaction_id,
        "connector_id": transaction.connector_id,
        "meter_start_wh": transaction.meter_start,
        "meter_stop_wh": transaction.meter_stop,
        "transaction_energy_wh": sums.transaction_wh,
        "samples": samples,
        "register_energy_wh": _round(sums.register_wh),
        "power_over_time_wh": None if sums.integral_wh is None else _round(sums.integral_wh),
        "register_resolution_wh": sums.resolution_wh,
        "relative_tolerance": RELATIVE_TOLERANCE,
    }


def _round(value: float) -> float:
    return round(value, 3)
