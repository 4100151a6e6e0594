"""Which readings are of one register? Some firmware mixes several, or says 0 for "not known".

All energies in Wh. Nothing is made fit: what is told apart here has to be one register that never
falls, by the very numbers that were sent, or the readings are judged as they stand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.rules.numbers import counted, figures

ANOTHER_REGISTER_WH: Final = 100_000.0
"""No test charge of minutes counts so much: between two values so far apart lies no charge."""
_STEPS_WH: Final = (1000, 100, 10, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpretation:
    """Readings of one register, by time, and in words what was done to get at them."""

    readings: tuple[MeterReading, ...]
    notes: tuple[str, ...] = ()
    needs_review: bool = False


def interpretations(
    transaction: TransactionFact, readings: Sequence[MeterReading]
) -> Iterator[Interpretation]:
    """Give ways to read them, the plainest first. The first is what a failure is told by."""
    plain = _of_transaction(transaction, readings)
    for chosen in _of_those_named_twice(plain):
        yield chosen
        for mend in (_without_zeros, _at_one_level, _periodic):
            mended = mend(transaction, chosen)
            if mended is not None:
                yield mended
        without_zeros = _without_zeros(transaction, chosen)
        both = without_zeros and _at_one_level(transaction, without_zeros)
        if both is not None:
            yield both


def has_counted(registers: Sequence[float]) -> bool:
    """Whether a register was seen to rise, and not only another one to be read."""
    return any(
        0 < after - before <= ANOTHER_REGISTER_WH
        for distance in (1, 2)  # two registers may take turns
        for before, after in zip(registers, registers[distance:], strict=False)
    )


def resolution_of(values: Sequence[float], *, steps: Sequence[int] = _STEPS_WH) -> int:
    """Read the step of a register off its values."""
    return next((step for step in steps if all(value % step == 0 for value in values)), 1)


def _of_transaction(
    transaction: TransactionFact, readings: Sequence[MeterReading]
) -> Interpretation:
    """Leave out what is of another connector, and what names no transaction, where others do.

    Some firmware counts from zero in a session, and sends the register for life beside it, clock
    by clock, without a transaction.
    """
    ordered = tuple(sorted(readings, key=_order))
    own = _where(ordered, lambda one: one.connector_id in {None, transaction.connector_id})
    named = _where(own, lambda one: not one.inferred)
    by_clock = named is own and any(one.inferred for one in own)
    kept = _where(own, lambda one: not (one.inferred and one.by_clock)) if by_clock else named
    notes = []
    if elsewhere := _another(ordered, own):
        notes.append(
            f"{counted(len(elsewhere), 'reading')} of this transaction named another connector "
            f"(the last {figures(elsewhere[-1])} Wh), and counted for nothing."
        )
    if nameless := _another(own, kept):
        notes.append(
            f"{counted(len(nameless), 'reading')} without a transaction "
            f"({figures(nameless[-1])} Wh at the last) were of another register than those of "
            f"the transaction ({figures(_energies(kept)[-1])} Wh at the last), and counted for "
            "nothing."
        )
    return Interpretation(readings=kept, notes=tuple(notes))


def _where(
    readings: tuple[MeterReading, ...], wanted: Callable[[MeterReading], bool]
) -> tuple[MeterReading, ...]:
    """Give those that are wanted, if any of them tells of energy; else all."""
    found = tuple(one for one in readings if wanted(one))
    return found if len(found) < len(readings) and _energies(found) else readings


def _another(readings: Sequence[MeterReading], kept: Sequence[MeterReading]) -> list[float]:
    """Give the energies that are left out, if they are of another register than what is kept."""
    if len(readings) == len(kept):
        return []
    together = _energies(readings)
    steps = [after - before for before, after in pairwise(together)]
    if all(0 <= step <= ANOTHER_REGISTER_WH for step in steps):
        return []
    told_apart = set(kept)
    return _energies([one for one in readings if one not in told_apart])


def _of_those_named_twice(plain: Interpretation) -> Iterator[Interpretation]:
    """Take the first of two values of one sample, then the higher, then the lower."""
    twice = [one for one in plain.readings if one.energy_wh is not None and one.others_wh]
    if not twice:
        yield plain
        return
    all_of_last = [twice[-1].energy_wh or 0.0, *twice[-1].others_wh]
    said = (
        f"{counted(len(twice), 'sample')} named the energy register more than once, with different "
        f"values ({' and '.join(figures(one) for one in all_of_last)} Wh at the last). The"
    )
    choices: tuple[tuple[str, Callable[[list[float]], float]], ...] = (
        ("first", lambda values: values[0]),
        ("higher", max),
        ("lower", min),
    )
    for name, choose in choices:
        readings = tuple(
            replace(one, energy_wh=choose([one.energy_wh, *one.others_wh]), others_wh=())
            if one.energy_wh is not None
            else one
            for one in plain.readings
        )
        yield Interpretation(
            readings=readings,
            notes=(*plain.notes, f"{said} {name} was held against its other numbers."),
            needs_review=True,
        )


def _without_zeros(_transaction: TransactionFact, chosen: Interpretation) -> Interpretation | None:
    """Leave out a few readings of 0 among others: some say so where they do not know.

    A register that stays at 0 has lost what it had.
    """
    zeros = [one for one in chosen.readings if one.energy_wh == 0]
    rest = tuple(one for one in chosen.readings if one.energy_wh != 0)
    others = _energies(rest)
    stays = _energies(chosen.readings)[-1:] == [0]
    if not zeros or not others or (stays and len(zeros) >= len(others)):
        return None
    note = (
        f"{counted(len(zeros), 'reading')} of 0 Wh among others of {figures(min(others))} to "
        f"{figures(max(others))} Wh counted for nothing."
    )
    return replace(chosen, readings=rest, notes=(*chosen.notes, note))


def _periodic(_transaction: TransactionFact, chosen: Interpretation) -> Interpretation | None:
    """Leave out those that were asked for, where enough others came."""
    rest = tuple(one for one in chosen.readings if not one.triggered)
    asked_for = len(chosen.readings) - len(rest)
    if not asked_for or len(_energies(rest)) < 2:  # noqa: PLR2004 - what rises has two ends
        return None
    note = (
        f"{counted(asked_for, 'reading')} that had been asked for did not go with the "
        "periodic ones, and counted for nothing."
    )
    return replace(chosen, readings=rest, notes=(*chosen.notes, note))


def _at_one_level(transaction: TransactionFact, chosen: Interpretation) -> Interpretation | None:
    """Tell readings that count from zero in the session from those for life, and join them.

    Between the two lies the register at the start, which both have to agree on.
    """
    values = _energies(chosen.readings)
    border = _border(transaction, values)
    if border is None:
        return None
    low = [value for value in values if value < border]
    high = [value for value in values if value >= border]
    if not low or not high or not any(low) or _falls(low) or _falls(high):
        return None
    slack = float(max(resolution_of(low), resolution_of(high)) + 1)
    start = transaction.meter_start or 0
    least, most = (
        (start - slack, start + slack)
        if start >= border
        else (high[0] - low[-1] - slack, high[0] + slack)
    )
    for before, after in _changes(values, border):
        if before < border:
            most = min(most, after - before + slack)
        else:
            least = max(least, before - after - slack)
    if least > most:
        return None
    zero = min(max(float(start) if start >= border else (least + most) / 2, least), most)
    note = (
        f"{counted(len(low), 'reading')} counted from the start of the session "
        f"({figures(low[-1])} Wh at the last), the others for life "
        f"({figures(high[-1])} Wh at the last); they agree."
    )
    return replace(
        chosen,
        readings=tuple(_joined(chosen.readings, border, zero, slack)),
        notes=(*chosen.notes, note),
    )


def _border(transaction: TransactionFact, values: Sequence[float]) -> float | None:
    """Find what lies between the readings of a session and those for life."""
    start = transaction.meter_start
    if start is not None and start > 0:
        return float(start)
    ordered = sorted(set(values))
    gaps = [(after - before, after) for before, after in pairwise(ordered)]
    widest = max(gaps, default=(0.0, 0.0))
    return widest[1] if widest[0] > ANOTHER_REGISTER_WH else None


def _changes(values: Sequence[float], border: float) -> Iterator[tuple[float, float]]:
    """Give the last value of one level beside each next one of the other."""
    last: dict[bool, float] = {}
    for value in values:
        is_high = value >= border
        if (not is_high) in last:
            yield last[not is_high], value
        last[is_high] = value


def _joined(
    readings: Sequence[MeterReading], border: float, zero: float, slack: float
) -> Iterator[MeterReading]:
    highest: float | None = None
    for one in readings:
        energy = one.energy_wh
        if energy is not None:
            energy = energy + zero if energy < border else energy
            if highest is not None and highest - slack <= energy < highest:
                energy = highest  # one of the two shows fewer digits
            highest = energy
        yield replace(one, energy_wh=energy)


def _falls(values: Sequence[float]) -> bool:
    return any(after < before for before, after in pairwise(values))


def _energies(readings: Sequence[MeterReading]) -> list[float]:
    return [one.energy_wh for one in readings if one.energy_wh is not None]


def _order(reading: MeterReading) -> tuple[float, float]:
    # Time stamps of whole seconds are common: within one, the register tells what came first.
    register = float("-inf") if reading.energy_wh is None else reading.energy_wh
    return reading.at.timestamp(), register
