"""A tariff in words."""

from typing import Any

import pytest

from domain.billing.words import in_words
from tests.domain.billing.sessions import component, element, version


def words(*elements: dict[str, Any]) -> list[str]:
    return in_words(version(*elements).tariff.elements, "GBP")


def test_one_price() -> None:
    assert words(element(component("ENERGY", "0.30", vat="20"))) == [
        "Energy: GBP 0.30 per kWh, plus 20 % VAT."
    ]


def test_which_of_several_counts() -> None:
    assert words(
        element(component("ENERGY", "0.18", vat="20"), start_time="23:00", end_time="07:00"),
        element(component("PARKING_TIME", "1.00", step=900), min_duration=14_400),
        element(component("FLAT", "0.50", vat="7.70"), component("ENERGY", "0")),
    ) == [
        "Energy: GBP 0.18 per kWh, plus 20 % VAT; from 23:00 to 07:00.",
        (
            "Idle time: GBP 1.00 per hour, no VAT, in steps of 15 minutes; 4 hours after the "
            "start and later."
        ),
        "A session: GBP 0.50, once, plus 7.7 % VAT.",
        "Energy: free.",
        "Where several prices for the same apply, the first of them counts.",
    ]


@pytest.mark.parametrize(
    ("restrictions", "says"),
    [
        ({"day_of_week": ["SUNDAY", "SATURDAY"]}, "Saturday and Sunday"),
        (
            {"day_of_week": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]},
            "Monday to Friday",
        ),
        ({"day_of_week": ["FRIDAY", "MONDAY"]}, "Monday, Friday"),
        ({"start_time": "17:00"}, "from 17:00 to 24:00"),
        (
            {"start_date": "2026-12-24", "end_date": "2026-12-26"},
            "from 24 December 2026 on, until before 26 December 2026",
        ),
        ({"min_kwh": "5", "max_kwh": "20"}, "once 5 kWh are charged, until 20 kWh are charged"),
        ({"max_duration": 90}, "until 90 seconds after the start"),
        ({"max_duration": 86_400}, "until 1 day after the start"),
    ],
)
def test_when_a_price_holds(restrictions: dict[str, Any], says: str) -> None:
    (line,) = words(element(component("TIME", "2", step=60), **restrictions))
    assert line == f"Charging time: GBP 2 per hour, no VAT, in steps of 1 minute; {says}."
