"""Tariffs that are refused, and what the refusal says."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.billing.currencies import is_currency, minor_unit
from domain.billing.tariff import Tariff
from tests.domain.billing.sessions import component, element

ENERGY = component("ENERGY", "0.30")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"currency": "EURO"}, "give the code of a currency in use"),
        ({"elements": []}, "at least 1"),
        ({"max_price": {"excl_vat": 5}}, "A highest price is not supported"),
        ({"elements": [element(ENERGY, ENERGY)]}, "a type stands twice"),
        ({"elements": [element(component("ENERGY", "-0.1"))]}, "greater than or equal to 0"),
        ({"elements": [element(component("ENERGY", "0.12345"))]}, "no more than 4 decimal"),
        ({"elements": [element(component("ENERGY", "1", vat="0.00001"))]}, "no more than 4 dec"),
        ({"elements": [element(ENERGY, min_kwh="0.0001")]}, "no more than 3 decimal"),
        ({"elements": [element(component("ENERGY", "NaN"))]}, "finite"),
        ({"elements": [element(component("ENERGY", "1", step=0))]}, "greater than or equal to 1"),
        ({"elements": [element(component("POWER", "1"))]}, "'ENERGY', 'FLAT', 'TIME'"),
        ({"elements": [element(ENERGY, max_power=11)]}, "Prices by power are not supported"),
        ({"elements": [element(ENERGY, reservation="RESERVATION")]}, "Reservations are not"),
        ({"elements": [element(ENERGY, start_time="7:00")]}, "time of day of 24 hours"),
        ({"elements": [element(ENERGY, start_time="07:00", end_time="07:00")]}, "the same"),
        ({"elements": [element(ENERGY, min_kwh=9, max_kwh=9)]}, "min_kwh must be less"),
        (
            {"elements": [element(ENERGY, start_date="2026-02-01", end_date="2026-01-01")]},
            "start_date must be less",
        ),
        ({"elements": [element(ENERGY, day_of_week=["FUNDAY"])]}, "'MONDAY'"),
        ({"elements": [element(ENERGY, starts="07:00")]}, "Extra inputs"),
    ],
)
def test_what_is_refused(change: dict[str, Any], says: str) -> None:
    tariff = {"currency": "GBP", "elements": [element(ENERGY)]}
    Tariff.model_validate(tariff)
    with pytest.raises(ValidationError, match=says):
        Tariff.model_validate(tariff | change)


@pytest.mark.parametrize(
    ("where", "least", "below", "most", "above"),
    [
        ("price", "0", "-0.0001", "1000000", "1000000.0001"),
        ("vat", "0", "-0.0001", "100", "100.0001"),
        ("step_size", 1, 0, 1_000_000, 1_000_001),
        ("min_kwh", "0", "-0.001", "1000000", "1000000.001"),
        ("max_kwh", "0", "-0.001", "1000000", "1000000.001"),
        ("min_duration", 0, -1, 2_678_400, 2_678_401),  # 31 days
        ("max_duration", 0, -1, 2_678_400, 2_678_401),
    ],
)
def test_what_is_at_a_bound_is_taken_and_nothing_beyond(
    where: str, least: Any, below: Any, most: Any, above: Any
) -> None:
    def tariff(value: Any) -> dict[str, Any]:
        if where in {"price", "vat", "step_size"}:
            elements = [element(ENERGY | {where: value})]
        else:
            elements = [element(ENERGY, **{where: value})]
        return {"currency": "GBP", "elements": elements}

    for value in (least, most):
        Tariff.model_validate(tariff(value))
    for value in (below, above):
        with pytest.raises(ValidationError, match="or equal to"):
            Tariff.model_validate(tariff(value))


def test_a_tariff_has_so_many_elements() -> None:
    Tariff.model_validate({"currency": "GBP", "elements": [element(ENERGY)] * 50})
    with pytest.raises(ValidationError, match="at most 50"):
        Tariff.model_validate({"currency": "GBP", "elements": [element(ENERGY)] * 51})


def test_a_price_is_exact_however_it_is_written() -> None:
    for price in ("0.1", 0.1, "0.1000"):
        tariff = Tariff.model_validate(
            {"currency": "GBP", "elements": [element({"type": "ENERGY", "price": price})]}
        )
        (made,) = tariff.elements[0].price_components
        assert str(made.price).rstrip("0") == "0.1"
        assert (made.vat, made.step_size) == (None, 1), "no tax, and nothing is rounded up"


def test_minor_units() -> None:
    assert [str(minor_unit(code)) for code in ("EUR", "JPY", "KWD")] == ["0.01", "1", "0.001"]
    assert not is_currency("eur")
