"""Which energy and power do sampled values carry?"""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.sampled_values import read_samples

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ENERGY, POWER = "Energy.Active.Import.Register", "Power.Active.Import"


def power(value: str, phase: str) -> dict[str, str]:
    return {"value": value, "measurand": POWER, "unit": "kW", "phase": phase}


@pytest.mark.parametrize(
    ("samples", "energy_wh", "power_w"),
    [
        ([], None, None),
        ([{"value": "1234"}], 1234, None),
        ([{"value": "1234", "measurand": ENERGY}], 1234, None),
        ([{"value": "1.234", "measurand": ENERGY, "unit": "kWh"}], 1234, None),
        ([{"value": "7.4", "measurand": POWER, "unit": "kW"}], None, 7400),
        ([{"value": "7400", "measurand": POWER}], None, 7400),
        ([{"value": "5"}, {"value": "9", "measurand": POWER, "unit": "W"}], 5, 9),
        # Phases are added up where no total is given, before or after them.
        ([power("1", "L1"), power("2", "L2"), power("3", "L3")], None, 6000),
        ([power("1", "L1"), {"value": "7", "measurand": POWER, "unit": "kW"}], None, 7000),
        # What is no number, no energy or no such unit is passed over.
        ([{"value": "n/a"}, {"value": "5"}], 5, None),
        ([{"value": "nan"}], None, None),
        ([{"value": "inf"}], None, None),
        ([{"value": "-1e400"}], None, None),
        ([{"value": "1e308", "unit": "kWh"}], None, None),
        ([{"value": "5", "unit": "MWh"}], None, None),
        ([{"value": "5", "measurand": "Energy.Reactive.Import.Register"}], None, None),
        ([{"value": "80", "measurand": "SoC", "unit": "Percent"}], None, None),
        # A signature may look like a number.
        ([{"value": "1e5", "format": "SignedData"}, {"value": "7", "format": "Raw"}], 7, None),
        ([{}], None, None),
        ([{"value": None, "unit": None}], None, None),
    ],
)
def test_reading(
    samples: list[dict[str, Any]], energy_wh: float | None, power_w: float | None
) -> None:
    reading = read_samples(NOW, samples, connector_id=2)
    assert (reading.energy_wh, reading.power_w) == (energy_wh, power_w)
    assert (reading.at, reading.connector_id) == (NOW, 2)


_FIELD = st.none() | st.text(max_size=8) | st.floats() | st.integers() | st.just(ENERGY)
_SAMPLE = st.dictionaries(
    st.sampled_from(["value", "measurand", "unit", "phase", "format", "context"]), _FIELD
)


@given(st.lists(_SAMPLE, max_size=6))
def test_any_samples_give_finite_numbers_or_none(samples: list[dict[str, Any]]) -> None:
    reading = read_samples(NOW, samples)
    for number in (reading.energy_wh, reading.power_w):
        assert number is None or math.isfinite(number)
