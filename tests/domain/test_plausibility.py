"""What is asked about, and what the question says."""

from decimal import Decimal

import pytest

from domain.billing.tariff import Dimension, PriceComponent, Tariff, TariffElement
from domain.plausibility import Current, Quantity, ask_place, written
from storage.plausibility import load_plausibility

USUAL = load_plausibility()
AC, DC = {Current.AC}, {Current.DC}


@pytest.mark.parametrize(
    ("quantity", "value", "kinds", "said"),
    [
        (Quantity.SUPPLY_POWER, 15000, (), "Given W, it would be 15 kW"),
        (Quantity.RCD_RATED_CURRENT, "0.03", AC, "Given A, it would be 30 mA"),
        (Quantity.EARTH_LOOP_IMPEDANCE, 1999, AC, "0.02 to 200 Ω"),
        (Quantity.RCD_TRIP_TIME, "0.018", AC, "Given s, it would be 18 ms"),
        (Quantity.INSULATION_RESISTANCE, "0.1", AC, "0.5 to 10,000 MΩ"),
        (Quantity.CABLE_CURRENT, 400, AC, "6 to 125 A"),
        (Quantity.CABLE_CURRENT, 8, DC, "16 to 1,000 A"),
        (Quantity.SUPPLY_CURRENT, 25000, (), "Given mA, it would be 25 A"),
        (Quantity.VAT, "0.2", (), "Given as a fraction, it would be 20 %"),
    ],
)
def test_what_is_asked(
    quantity: Quantity, value: float | str, kinds: set[Current], said: str
) -> None:
    (question,) = USUAL.ask("its_field", quantity, Decimal(value), kinds)
    assert question.field == "its_field"
    assert question.value == Decimal(value)
    given = f"{written(Decimal(value))} {question.unit}"
    assert question.detail.startswith(f"{given} is far from usual")
    assert said in question.detail


@pytest.mark.parametrize(
    ("quantity", "value", "kinds"),
    [
        (Quantity.SUPPLY_POWER, 43.5, ()),
        (Quantity.SUPPLY_POWER, 2500, ()),
        (Quantity.RCD_RATED_CURRENT, 30, AC),
        (Quantity.EARTH_LOOP_IMPEDANCE, 0.35, AC),
        (Quantity.RCD_TRIP_TIME, 18.4, DC),
        (Quantity.INSULATION_RESISTANCE, 999, AC),
        (Quantity.CABLE_CURRENT, 32, AC),
        (Quantity.CABLE_CURRENT, 400, DC),
        (Quantity.CABLE_CURRENT, 400, ()),  # nobody knows what it is
        (Quantity.CABLE_CURRENT, 400, {*AC, *DC}),
        (Quantity.VAT, 0, ()),
        (Quantity.VAT, 19, ()),
        (Quantity.VAT, None, ()),
    ],
)
def test_what_is_not_asked(quantity: Quantity, value: float | None, kinds: set[Current]) -> None:
    assert USUAL.ask("its_field", quantity, value, kinds) == []


def prices(currency: str, dimension: Dimension, price: str) -> Tariff:
    component = PriceComponent(type=dimension, price=Decimal(price), vat=Decimal(20))
    return Tariff(currency=currency, elements=[TariffElement(price_components=[component])])


@pytest.mark.parametrize(
    ("currency", "dimension", "price", "kinds", "said"),
    [
        ("GBP", Dimension.ENERGY, "30", AC, "is 0.034 to 1 GBP per kWh"),
        ("GBP", Dimension.ENERGY, "30", AC, "Given in the hundredth part, it would be 0.3 GBP"),
        ("EUR", Dimension.ENERGY, "1.4", AC, "0.04 to 1.2 EUR per kWh"),
        ("SEK", Dimension.ENERGY, "30", DC, "0.88 to 18 SEK per kWh"),
        ("JPY", Dimension.ENERGY, "0.3", (), "JPY per kWh"),
        ("EUR", Dimension.TIME, "300", DC, "EUR per hour"),
        ("EUR", Dimension.PARKING_TIME, "600", AC, "EUR per hour"),
        ("EUR", Dimension.FLAT, "75", AC, "EUR per session"),
    ],
)
def test_a_price_that_is_asked(
    currency: str, dimension: Dimension, price: str, kinds: set[Current], said: str
) -> None:
    (question,) = USUAL.ask_prices(prices(currency, dimension, price), kinds)
    assert question.field == "elements.0.price_components.0.price"
    assert said in question.detail


@pytest.mark.parametrize(
    ("currency", "dimension", "price", "kinds"),
    [
        ("GBP", Dimension.ENERGY, "0.30", AC),
        ("EUR", Dimension.ENERGY, "1.4", DC),
        ("EUR", Dimension.ENERGY, "1.4", ()),
        ("SEK", Dimension.ENERGY, "5.50", AC),
        ("JPY", Dimension.ENERGY, "60", DC),
        ("EUR", Dimension.ENERGY, "0", AC),  # free
        ("ARS", Dimension.ENERGY, "30000", AC),  # of no currency whose worth is known
    ],
)
def test_a_price_that_is_not_asked(
    currency: str, dimension: Dimension, price: str, kinds: set[Current]
) -> None:
    assert USUAL.ask_prices(prices(currency, dimension, price), kinds) == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "asked"),
    [(0.0, 0.0, True), (0.0, 32.5, False), (51.4, 0.0, False), (None, None, False)],
)
def test_the_place_that_means_not_known(
    latitude: float | None, longitude: float | None, asked: bool
) -> None:
    assert bool(ask_place("location", latitude, longitude)) is asked


@pytest.mark.parametrize(
    ("value", "text"),
    [("1999", "1,999"), ("0.030", "0.03"), ("15000.0", "15,000"), ("1E+3", "1,000"), ("7", "7")],
)
def test_numbers_as_people_write_them(value: str, text: str) -> None:
    assert written(Decimal(value)) == text
