"""Did real energy flow, and does the meter agree with itself? All energies in Wh."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from domain.checks import Evidence, Failure
from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.failures import FailureCode, failure
from domain.rules.meter_sums import Sums, evidence_of, integral, power_points, sum_up
from domain.rules.numbers import counted, figures, roughly
from domain.rules.registers import interpretations

_MOVES_ANY_REGISTER_WH: Final = 5
# What flowed by what was counted, if that is kWh: by power over time, which is not exact; of what
# the samples cover of a transaction; and of the whole, of which they cover but a part.
_BY_POWER: Final = (300.0, 3000.0)
_OF_A_PART: Final = (300.0, 1100.0)
_OF_MORE: Final = (900.0, 3000.0)
_WH_PER_KWH: Final = 1000
_ONE_KWH_AT_LEAST: Final = 30  # Wh that flowed, for a register of whole kWh to have moved by one


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterVerdict:
    """The arithmetic, always, and the failure it leads to, if any."""

    evidence: Evidence
    notes: tuple[str, ...] = ()
    needs_review: bool = False
    failure: Failure | None = None


def judge_metering(transaction: TransactionFact, readings: Sequence[MeterReading]) -> MeterVerdict:
    """Verify a stopped test transaction by its meter values.

    The register never falls, it moved, power over time agrees with it within a tolerance, and
    meterStop - meterStart agrees with the samples. The tolerance is a quarter plus two steps of the
    register's resolution, which is read off the values (registers move in 1, 10 or 100 Wh).

    Where the readings are of several registers, or some of them are none at all, what passes is
    what counts; else the failure is told by them as they stand.
    """
    return _judged(transaction, readings)[1]


def readings_that_count(
    transaction: TransactionFact, readings: Sequence[MeterReading]
) -> tuple[MeterReading, ...]:
    """Give the readings by which the verdict is what it is, by time."""
    return _judged(transaction, readings)[0]


def _judged(
    transaction: TransactionFact, readings: Sequence[MeterReading]
) -> tuple[tuple[MeterReading, ...], MeterVerdict]:
    unreadable = sum(reading.unreadable for reading in readings)
    plainest: tuple[tuple[MeterReading, ...], MeterVerdict] | None = None
    for way in interpretations(transaction, readings):
        verdict = _judge(transaction, way.readings, unreadable=unreadable)
        verdict = replace(
            verdict, notes=(*way.notes, *verdict.notes), needs_review=way.needs_review
        )
        if verdict.failure is None:
            return way.readings, verdict
        plainest = plainest or (way.readings, verdict)
    assert plainest is not None, "there is one way to read them at least"  # noqa: S101
    return plainest


def _judge(
    transaction: TransactionFact, ordered: Sequence[MeterReading], *, unreadable: int
) -> MeterVerdict:
    sums = sum_up(transaction, ordered)
    evidence = evidence_of(transaction, sums, samples=len(ordered))
    if unreadable:
        evidence["samples_unreadable"] = unreadable
    problem = _problem(sums, ordered, unreadable=unreadable)
    return MeterVerdict(evidence=evidence, notes=tuple(sums.notes), failure=problem)


def _problem(sums: Sums, ordered: Sequence[MeterReading], *, unreadable: int) -> Failure | None:
    if not sums.registers and unreadable:
        return failure(FailureCode.METER_UNREADABLE, samples=counted(unreadable, "sample"))
    if not sums.registers:
        return failure(FailureCode.NO_METER_VALUES)
    for before, after in pairwise(sums.registers):
        if after < before:
            return failure(
                FailureCode.METER_FELL, before_wh=figures(before), after_wh=figures(after)
            )
    if sums.register_wh <= 0 and (stands_still := _stands_still(sums, ordered)) is not None:
        return stands_still
    total = sums.transaction_wh
    if sums.register_wh <= 0 and (total is None or -sums.slack_wh <= total <= 0):
        return failure(
            FailureCode.NO_ENERGY,
            register_wh=figures(sums.registers[-1]),
            ends="" if total is None else f", and {_of_ends(sums)}",
        )
    return _disagreement(sums)


def _stands_still(sums: Sums, ordered: Sequence[MeterReading]) -> Failure | None:
    """Power was reported for long enough that any register in Wh would have moved."""
    flowed = integral(power_points(ordered))
    if (sums.transaction_wh or 0) > 0:  # it moved outside of its samples, at least
        power = sums.by_power
        flowed = 0.0 if power is None or power.agrees(sums.slack_wh) else power.integral_wh
    if flowed < _MOVES_ANY_REGISTER_WH:
        return None
    return failure(
        FailureCode.METER_STANDS_STILL,
        register_wh=figures(sums.registers[-1]),
        power_w=roughly(max(power for _, power in power_points(ordered))),
        expected_wh=roughly(flowed),
        perhaps="Perhaps it counts whole kWh, or stands still."
        if flowed < 2 * _WH_PER_KWH
        else "It stands still: one of whole kWh would have moved, too.",
    )


def _disagreement(sums: Sums) -> Failure | None:
    power = sums.by_power
    if sums.register_wh > sums.impossible_wh:
        return _disagrees(
            _of_samples(sums.register_wh),
            f"no vehicle draws that within {figures(sums.seconds)} s",
        )
    if power is not None and not power.agrees(sums.slack_wh):
        kwh = _looks_like_kwh(power.register_wh, power.integral_wh, _BY_POWER)
        return (_is_in_kwh if kwh else _disagrees)(
            _of_samples(power.register_wh),
            f"power over time gives {roughly(power.integral_wh)} Wh",
        )
    return None if sums.transaction_wh is None else _disagreement_of_ends(sums, sums.transaction_wh)


def _disagreement_of_ends(sums: Sums, total: float) -> Failure | None:
    """The samples lie inside the transaction: it may count more than they do, and never less."""
    most = math.inf if sums.most_wh is None else sums.most_wh + sums.slack_wh
    too_little = total < sums.register_wh - sums.slack_wh
    stood_still = total == 0 and sums.register_wh >= sums.slack_wh
    if not (too_little or stood_still or total > min(most, sums.impossible_wh)):
        return None
    ends, samples = _of_ends(sums), _of_samples(sums.register_wh)
    if _looks_like_kwh(total, sums.register_wh, _OF_A_PART):
        return _is_in_kwh(ends, samples)
    if _looks_like_kwh(sums.register_wh, total, _OF_MORE):
        return _is_in_kwh(samples, ends)
    return _disagrees(ends, samples)


def _disagrees(one: str, other: str) -> Failure:
    return failure(FailureCode.METER_DISAGREES, one=one, other=other)


def _is_in_kwh(one: str, other: str) -> Failure:
    return failure(FailureCode.METER_UNITS, one=one, other=other)


def _looks_like_kwh(counted: float, flowed: float, band: tuple[float, float]) -> bool:
    """Whether ``counted`` is a thousandth of ``flowed``, or that in whole numbers."""
    low, high = band
    if counted > 0 and low < flowed / counted < high:
        return True
    return counted == 1 and _ONE_KWH_AT_LEAST < flowed <= 2 * _WH_PER_KWH


def _of_samples(rise_wh: float) -> str:
    return f"its samples rose by {figures(rise_wh)} Wh"


def _of_ends(sums: Sums) -> str:
    start, stop, total = sums.start or 0, sums.stop or 0, sums.transaction_wh or 0.0
    if total == 0:
        return f"its register at the end is the same as at the start ({figures(stop)} Wh)"
    if total < 0:
        return (
            f"its register at the end ({figures(stop)} Wh) is below that at the start "
            f"({figures(start)} Wh)"
        )
    return (
        f"from its register at the start ({figures(start)} Wh) to that at the end "
        f"({figures(stop)} Wh) it counted {figures(total)} Wh"
    )
