"""Which energy and power do sampled values carry?"""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules import sampled_values
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


def energy(value: str, **fields: str) -> dict[str, str]:
    return {"value": value, "measurand": ENERGY, "unit": "Wh"} | fields


@pytest.mark.parametrize(
    ("samples", "energy_wh", "others_wh"),
    [
        # One register in two units, and of two that agree the one of more digits.
        ([energy("361.2", unit="kWh"), energy("361234")], 361_234, ()),
        ([energy("361234"), energy("361", unit="kWh")], 361_234, ()),
        ([energy("5"), energy("5")], 5, ()),
        ([energy("5"), energy("9")], 5, (9,)),
        ([energy("5"), energy("9"), energy("9"), energy("12")], 5, (9, 12)),
        # Whole kWh under Wh beside the same in kWh.
        ([energy("361"), energy("361.234", unit="kWh")], 361, (361_234,)),
        # At the outlet is what is sold; a location that nobody names is there.
        ([energy("7", location="Inlet"), energy("5", location="Outlet")], 5, (7,)),
        ([energy("7", location="Inlet"), energy("5")], 5, (7,)),
        ([energy("7", location="Inlet")], 7, ()),
        # Single phases: once each, and to neutral they are the same again.
        ([energy("1", phase="L1"), energy("2", phase="L2"), energy("3", phase="L3")], 6, ()),
        ([energy("1", phase="L1"), energy("2", phase="L2"), energy("3")], 3, ()),
        ([energy("4", phase="L1"), energy("4", phase="L1-N")], 4, ()),
        ([energy("4", phase="L1"), energy("4", phase="L1")], 4, ()),
        # What was read as the session began is of another moment.
        (
            [energy("5", context="Transaction.Begin"), energy("9", context="Sample.Periodic")],
            9,
            (),
        ),
        ([energy("5", context="Transaction.Begin")], 5, ()),
        # What goes by the clock may be the register for life.
        ([energy("1200009", context="Sample.Clock"), energy("9")], 9, (1_200_009,)),
    ],
)
def test_a_register_that_is_named_more_than_once(
    samples: list[dict[str, Any]], energy_wh: float, others_wh: tuple[float, ...]
) -> None:
    reading = read_samples(NOW, samples)
    assert (reading.energy_wh, reading.others_wh) == (energy_wh, others_wh)


@pytest.mark.parametrize(
    ("contexts", "triggered", "by_clock"),
    [
        (("Trigger", "Trigger"), True, False),
        (("Sample.Clock", "Sample.Clock"), False, True),
        (("Sample.Periodic", "Trigger"), False, False),
        ((None, None), False, False),
    ],
)
def test_why_it_was_taken(
    *, contexts: tuple[str | None, str | None], triggered: bool, by_clock: bool
) -> None:
    one, other = contexts
    samples: list[dict[str, Any]] = [
        {"value": "5", "context": one},
        {"value": "9", "measurand": POWER, "context": other},
        {"value": "230", "measurand": "Voltage", "context": "Other"},
    ]
    reading = read_samples(NOW, samples)
    assert (reading.triggered, reading.by_clock) == (triggered, by_clock)


_FIELD = st.none() | st.text(max_size=8) | st.floats() | st.integers() | st.just(ENERGY)
_SAMPLE = st.dictionaries(
    st.sampled_from(["value", "measurand", "unit", "phase", "format", "context", "location"]),
    _FIELD,
)


@given(st.lists(_SAMPLE, max_size=6))
def test_any_samples_give_finite_numbers_or_none(samples: list[dict[str, Any]]) -> None:
    reading = read_samples(NOW, samples)
    for number in (reading.energy_wh, reading.power_w, *reading.others_wh):
        assert number is None or math.isfinite(number)


@pytest.mark.parametrize("field", ["value", "location"])
def test_of_very_many_registers_not_each_is_compared_with_each(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree, compared = sampled_values._agree, 0

    def counted(one: Any, other: Any) -> bool:
        nonlocal compared
        compared += 1
        return agree(one, other)

    monkeypatch.setattr(sampled_values, "_agree", counted)
    samples = [{"value": "0"} | {field: str(number * 1_000)} for number in range(2_000)]
    reading = read_samples(NOW, samples)
    assert reading.energy_wh == 0
    assert compared <= 20 * len(samples)
