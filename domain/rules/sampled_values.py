"""Which energy and power do sampled values carry? (OCPP 1.6 §7.43 SampledValue)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.commissioning import MeterReading
from domain.rules.numbers import read_number

UNREADABLE = "unreadable"
"""Beside a sample that is kept as it was sent: why it counts for nothing."""
_ENERGY = "Energy.Active.Import.Register"
_POWER = "Power.Active.Import"
_OTHERS = {"Voltage", "Current.Import", "Current.Offered", "Frequency", "Temperature", "SoC"}
_SIGNED = "SignedData"  # a digest, even where it reads like a number
_LIMIT = 1e15  # a million times what any meter can show
_SCALE = {"Wh": 1.0, "kWh": 1000.0, "W": 1.0, "kW": 1000.0}


def read_samples(
    at: datetime, samples: Sequence[Mapping[str, Any]], *, connector_id: int | None = None
) -> MeterReading:
    """Take the energy register (Wh) and the power (W) out of one instant's samples.

    A value without a measurand is the energy register, one without a unit is in Wh, as the
    standard says. Values of single phases are added up where no total is given. What is no number
    is passed over.
    """
    return MeterReading(
        at=at,
        energy_wh=_total(samples, _ENERGY, default_unit="Wh"),
        power_w=_total(samples, _POWER, default_unit="W"),
        connector_id=connector_id,
        unreadable=sum(map(_is_unreadable, samples)),
    )


def _is_unreadable(sample: Mapping[str, Any]) -> bool:
    """Whether it may be energy or power, and cannot be read."""
    if UNREADABLE not in sample:
        wanted = sample.get("measurand", _ENERGY) in {_ENERGY, _POWER}
        signed = sample.get("format") == _SIGNED
        return wanted and not signed and read_number(sample.get("value")) is None
    return sample.get("measurand") not in _OTHERS


def _total(
    samples: Sequence[Mapping[str, Any]], measurand: str, *, default_unit: str
) -> float | None:
    of_phases: list[float] = []
    for sample in samples:
        if sample.get("measurand", _ENERGY) != measurand or sample.get("format") == _SIGNED:
            continue
        if UNREADABLE in sample:
            continue
        scale = _SCALE.get(str(sample.get("unit", default_unit)))
        value = None if scale is None else _number(sample.get("value"), scale)
        if value is None:
            continue
        if sample.get("phase") is None:
            return value
        of_phases.append(value)
    return sum(of_phases) if of_phases else None


def _number(text: object, scale: float) -> float | None:
    number = read_number(text)
    if number is None or abs(number) * scale >= _LIMIT:
        return None
    return number * scale
