"""What a value usually is: beyond that a person is asked, and may say that it is meant.

Pure; the ranges are data, see ``catalogue/plausible.toml``. What is impossible is no question: the
field itself refuses it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.billing.tariff import Dimension, Tariff

_DIGITS: Final = 2


class Current(StrEnum):
    """What a charge point gives to a vehicle."""

    AC = "ac"
    DC = "dc"


class Quantity(StrEnum):
    """What a value is of, where it is no price."""

    SUPPLY_POWER = "supply_power"
    SUPPLY_CURRENT = "supply_current"
    CABLE_CURRENT = "cable_current"
    VOLTAGE = "voltage"
    RCD_RATED_CURRENT = "rcd_rated_current"
    RCD_TRIP_TIME = "rcd_trip_time"
    EARTH_LOOP_IMPEDANCE = "earth_loop_impedance"
    INSULATION_RESISTANCE = "insulation_resistance"
    PROTECTIVE_DEVICE_CURRENT = "protective_device_current"
    CABLE_CROSS_SECTION = "cable_cross_section"
    R1_PLUS_R2 = "r1_plus_r2"
    VAT = "vat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """From ``least`` to ``most``, both included."""

    least: Decimal
    most: Decimal

    def __contains__(self, value: Decimal) -> bool:
        return self.least <= value <= self.most

    def __or__(self, other: "Range") -> "Range":
        return Range(least=min(self.least, other.least), most=max(self.most, other.most))

    def __mul__(self, rate: Decimal) -> "Range":
        return Range(least=_rounded(self.least * rate), most=_rounded(self.most * rate))


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """A unit that is easily taken for the right one; ``factor`` turns a value in it into that."""

    unit: str
    factor: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """What a quantity usually is, by the kind of the charge point."""

    name: str
    unit: str
    ranges: Mapping[Current, Range]
    slips: tuple[Slip, ...] = ()
    zero: bool = False

    def range_of(self, kinds: Collection[Current]) -> Range:
        """The range for charge points of these kinds; of none that is known it is that of all."""
        found = [self.ranges[kind] for kind in kinds or tuple(Current)]
        widest = found[0]
        for other in found[1:]:
            widest |= other
        return widest


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A value that is not usual: which field, and what it usually is, if that is a range."""

    field: str
    value: Decimal
    unit: str
    usual: Range | None
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plausibility:
    """All that is usual. Prices are in EUR, ``rates`` what a euro costs in other currencies."""

    quantities: Mapping[Quantity, Usual]
    prices: Mapping[Dimension, Usual]
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def ask(
        self,
        name: str,
        quantity: Quantity,
        value: Decimal | float | None,
        kinds: Collection[Current] = (),
    ) -> list[Question]:
        """Ask about a value of a field, if it is one to ask about; None is none."""
        if value is None:
            return []
        usual = self.quantities[quantity]
        return _asked(name, _decimal(value), usual, usual.range_of(kinds), usual.unit)

    def ask_prices(self, tariff: Tariff, kinds: Collection[Current]) -> list[Question]:
        """Ask about the prices and the VAT of a tariff, each by its path."""
        questions = []
        rate = self.rates.get(tariff.currency)
        for place, element in enumerate(tariff.elements):
            for part, component in enumerate(element.price_components):
                path = f"elements.{place}.price_components.{part}"
                if rate is not None:
                    usual = self.prices[component.type]
                    questions += _asked(
                        f"{path}.price",
                        component.price,
                        usual,
                        usual.range_of(kinds) * rate,
                        f"{tariff.currency} {usual.unit}",
                    )
                questions += self.ask(f"{path}.vat", Quantity.VAT, component.vat)
        return questions


def ask_place(name: str, latitude: float | None, longitude: float | None) -> list[Question]:
    """Ask about the one place on earth that means "not known"."""
    if latitude != 0 or longitude != 0:
        return []
    detail = (
        "0, 0 degrees is a place in the Atlantic: it is what a device says that does not know "
        "where it is, and charge points are on land. Leave both out where they are not known."
    )
    return [Question(field=name, value=Decimal(0), unit="degrees", usual=None, detail=detail)]


def _asked(name: str, value: Decimal, usual: Usual, within: Range, unit: str) -> list[Question]:
    if value in within or (value == 0 and usual.zero):
        return []
    meant = [
        f" Given {slip.unit}, it would be {written(value * slip.factor)} {unit}."
        for slip in usual.slips
        if value * slip.factor in within
    ]
    detail = (
        f"{written(value)} {unit} is far from usual: {usual.name} is {written(within.least)} to "
        f"{written(within.most)} {unit}.{''.join(meant[:1])}"
    )
    return [Question(field=name, value=value, unit=unit, usual=within, detail=detail)]


def written(value: Decimal) -> str:
    """A number as people write it: 1,999 and 0.03."""
    text = f"{value.normalize():,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(value: Decimal | float) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _rounded(value: Decimal) -> Decimal:
    """To two digits: nobody wants to read that energy costs at least 0.0344."""
    return round(value, _DIGITS - 1 - value.adjusted())
