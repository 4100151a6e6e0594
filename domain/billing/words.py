"""A tariff in words, as a driver would read it."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from domain.billing.tariff import (
    DAYS,
    Dimension,
    PriceComponent,
    TariffElement,
    TariffRestrictions,
)

_NAMES: Final = {
    Dimension.ENERGY: "Energy",
    Dimension.TIME: "Charging time",
    Dimension.PARKING_TIME: "Idle time",
    Dimension.FLAT: "A session",
}
_UNITS: Final = {
    Dimension.ENERGY: " per kWh",
    Dimension.TIME: " per hour",
    Dimension.PARKING_TIME: " per hour",
    Dimension.FLAT: ", once",
}
_WORKDAYS, _WEEKEND = DAYS[:5], DAYS[5:]
_SECONDS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def in_words(elements: Sequence[TariffElement], currency: str) -> list[str]:
    """Write a line for each price, in their order; the last one says which of several counts."""
    lines = [
        f"{_price(component, currency)}{_when(element.restrictions)}."
        for element in elements
        for component in element.price_components
    ]
    dimensions = [part.type for element in elements for part in element.price_components]
    if len(set(dimensions)) < len(dimensions):
        lines.append("Where several prices for the same apply, the first of them counts.")
    return lines


def _price(component: PriceComponent, currency: str) -> str:
    name = _NAMES[component.type]
    if component.price == 0:
        return f"{name}: free"
    vat = "no VAT" if component.vat is None else f"plus {_plain(component.vat)} % VAT"
    text = f"{name}: {currency} {component.price:f}{_UNITS[component.type]}, {vat}"
    if component.step_size > 1 and component.type is not Dimension.FLAT:
        size = component.step_size
        step = f"{size:,} Wh" if component.type is Dimension.ENERGY else _length(size)
        text += f", in steps of {step}"
    return text


def _when(restrictions: TariffRestrictions | None) -> str:
    if restrictions is None:
        return ""
    clauses = list(_clauses(restrictions))
    return f"; {', '.join(clauses)}" if clauses else ""


def _clauses(held: TariffRestrictions) -> Iterator[str]:
    if held.start_time or held.end_time:
        yield f"from {held.start_time or '00:00'} to {held.end_time or '24:00'}"
    if held.day_of_week:
        yield _days(held)
    if held.start_date:
        yield f"from {_date(held.start_date)} on"
    if held.end_date:
        yield f"until before {_date(held.end_date)}"
    if held.min_kwh is not None:
        yield f"once {_plain(held.min_kwh)} kWh are charged"
    if held.max_kwh is not None:
        yield f"until {_plain(held.max_kwh)} kWh are charged"
    if held.min_duration is not None:
        yield f"{_length(held.min_duration)} after the start and later"
    if held.max_duration is not None:
        yield f"until {_length(held.max_duration)} after the start"


def _days(held: TariffRestrictions) -> str:
    days = sorted(set(held.day_of_week), key=DAYS.index)
    if tuple(days) == _WORKDAYS:
        return "Monday to Friday"
    if tuple(days) == _WEEKEND:
        return "Saturday and Sunday"
    return ", ".join(day.capitalize() for day in days)


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _length(seconds: int) -> str:
    for size, name in _SECONDS:
        if seconds % size == 0 and seconds >= size:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "0 seconds"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
