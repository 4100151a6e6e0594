"""Which energy and power do sampled values carry?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.commissioning import MeterReading
from domain.reported import SIGNED, Measurand, ReadingContext
from domain.rules.numbers import read_number, step_of

UNREADABLE = "unreadable"
"""Beside a sample that is kept as it was sent: why it counts for nothing."""
_ENERGY, _POWER = Measurand.ENERGY, Measurand.POWER
_OTHERS: Final = {
    Measurand.CURRENT,
    Measurand.CURRENT_OFFERED,
    Measurand.FREQUENCY,
    Measurand.STATE_OF_CHARGE,
    Measurand.TEMPERATURE,
    Measurand.VOLTAGE,
}
_LIMIT = 1e15  # a million times what any meter can show
_SCALE = {"Wh": 1.0, "kWh": 1000.0, "W": 1.0, "kW": 1000.0}
_MOST_TOTALS: Final = 20
"""How many that disagree are told apart: each is compared with each."""
_OUTLET: Final = "Outlet"  # what a location is that nobody
_BEGIN, _CLOCK = ReadingContext.BEGIN, ReadingContext.CLOCK
_PHASES: Final = (("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"))
"""What adds up to a total; the same again from phase to neutral is no more energy."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of a measurand, in Wh or W. ``step`` is that of its last digit, in the same."""

    value: float
    step: float
    phase: str | None
    location: str
    context: object


def read_samples(
    at: datetime, samples: Sequence[Mapping[str, Any]], *, connector_id: int | None = None
) -> MeterReading:
    """Take the energy register (Wh) and the power (W) out of one instant's samples.

    A value without a measurand is the energy register, one without a unit is in Wh, as the
    standard says. What is at the outlet counts before what is elsewhere, and of two that agree the
    one of more digits. Values of single phases are added up where no total is given. What is no
    number is passed over. Other values of the register stand beside it, should they disagree.
    """
    registers = _totals(samples, _ENERGY, default_unit="Wh")
    powers = _totals(samples, _POWER, default_unit="W")
    contexts = {sample.get("context") for sample in samples if _is_of(sample, _ENERGY, _POWER)}
    return MeterReading(
        at=at,
        energy_wh=registers[0] if registers else None,
        power_w=powers[0] if powers else None,
        connector_id=connector_id,
        unreadable=sum(map(_is_unreadable, samples)),
        others_wh=tuple(registers[1:]),
        triggered=contexts == {ReadingContext.TRIGGERED},
        by_clock=contexts == {_CLOCK},
    )


def _is_of(sample: Mapping[str, Any], *measurands: str) -> bool:
    wanted = sample.get("measurand", _ENERGY) in measurands
    return wanted and sample.get("format") != SIGNED and UNREADABLE not in sample


def signed_data(samples: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Give what the meter has signed, as it was sent, with the context that it was read in."""
    for sample in samples:
        value = sample.get("value")
        if sample.get("format") == SIGNED and isinstance(value, str):
            yield str(sample.get("context", "")), value


def _is_unreadable(sample: Mapping[str, Any]) -> bool:
    """Whether it may be energy or power, and cannot be read."""
    if UNREADABLE not in sample:
        return _is_of(sample, _ENERGY, _POWER) and read_number(sample.get("value")) is None
    return sample.get("measurand") not in _OTHERS


def _totals(
    samples: Sequence[Mapping[str, Any]], measurand: str, *, default_unit: str
) -> list[float]:
    """Give what the samples say it is in all: the first counts, the others disagree with it."""
    values = list(_values(samples, measurand, default_unit))
    places: dict[str, list[_Value]] = {}
    for one in values:
        places.setdefault(one.location, []).append(one)
    totals: list[_Value] = []
    for _, there in sorted(places.items(), key=lambda place: place[0] != _OUTLET):
        totals += [one for one in there if one.phase is None] or _added_up(there)
    # What was read when the session began is of another moment; what goes by the clock may be of
    # another register.
    now = [one for one in totals if one.context != _BEGIN] or totals
    now.sort(key=lambda one: one.context == _CLOCK)
    found: list[_Value] = []
    for total in now:
        place_of_same = next((n for n, one in enumerate(found) if _agree(one, total)), None)
        if place_of_same is None:
            if len(found) < _MOST_TOTALS:
                found.append(total)
        elif total.step < found[place_of_same].step:
            found[place_of_same] = total
    return [one.value for one in found]


def _values(
    samples: Sequence[Mapping[str, Any]], measurand: str, default_unit: str
) -> Iterator[_Value]:
    for sample in samples:
        if not _is_of(sample, measurand):
            continue
        scale = _SCALE.get(str(sample.get("unit", default_unit)))
        value = None if scale is None else _number(sample.get("value"), scale)
        if value is None or scale is None:
            continue
        phase = sample.get("phase")
        yield _Value(
            value=value,
            step=step_of(sample.get("value")) * scale,
            phase=None if phase is None else str(phase),
            location=str(sample.get("location") or _OUTLET),
            context=sample.get("context"),
        )


def _added_up(values: Sequence[_Value]) -> list[_Value]:
    """Add the phases up, each once; phases that no standard knows are better than nothing."""
    by_phase: dict[str | None, _Value] = {}
    for one in values:
        by_phase.setdefault(one.phase, one)
    for names in _PHASES:
        if parts := [by_phase[name] for name in names if name in by_phase]:
            break
    else:
        parts = list(by_phase.values())
    if not parts:
        return []
    return [
        _Value(
            value=sum(one.value for one in parts),
            step=sum(one.step for one in parts),
            phase=None,
            location=parts[0].location,
            context=parts[0].context,
        )
    ]


def _agree(one: _Value, other: _Value) -> bool:
    """Whether they are the same but for the digits that they show."""
    return abs(one.value - other.value) <= max(one.step, other.step)


def _number(text: object, scale: float) -> float | None:
    number = read_number(text)
    if number is None or abs(number) * scale >= _LIMIT:
        return None
    return number * scale
