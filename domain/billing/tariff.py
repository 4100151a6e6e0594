"""Tariffs, with the names of OCPI 2.2.1 (§11.3 Tariff object, §11.4 its classes).

Left out are ``min_current``, ``max_current``, ``min_power``, ``max_power`` (what a charge point
samples would decide the price), ``reservation`` (there are none), and ``min_price``/``max_price``.
"""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.billing.currencies import is_currency
from domain.wording import FieldValueError, Matching

_UNSUPPORTED: Final = {
    "min_current": "Prices by current are not supported: use min_kwh, time of day or duration.",
    "max_current": "Prices by current are not supported: use max_kwh, time of day or duration.",
    "min_power": "Prices by power are not supported: use min_kwh, time of day or duration.",
    "max_power": "Prices by power are not supported: use max_kwh, time of day or duration.",
    "reservation": "Reservations are not supported: leave the element out.",
    "min_price": "A least price is not supported: use a FLAT component.",
    "max_price": "A highest price is not supported: use max_kwh or max_duration.",
}
_TIME_OF_DAY: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _supported(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, instead in _UNSUPPORTED.items():
                if values.get(name) is not None and name not in cls.model_fields:
                    raise FieldValueError(instead, name)
        return values


class Dimension(StrEnum):
    """TariffDimensionType of OCPI 2.2.1 §11.4.5: what a price is for."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"


class DayOfWeek(StrEnum):
    """DayOfWeek of OCPI 2.2.1 §11.4.1."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


DAYS: Final = tuple(DayOfWeek)
"""In the order of :meth:`datetime.date.weekday`."""

_Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=4)]
_Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=4)]
_Energy = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=3)]
_Seconds = Annotated[int, Field(ge=0, le=31 * 86_400)]
_Clock = Annotated[
    str,
    Matching(_TIME_OF_DAY, "must be a time of day of 24 hours, such as 07:00 or 22:30"),
    Field(examples=["22:00"]),
]


class PriceComponent(_Part):
    """PriceComponent of OCPI 2.2.1 §11.4.2."""

    type: Dimension
    price: _Price = Field(description="Without VAT: per kWh, per hour, or once (FLAT)")
    vat: _Percent | None = Field(default=None, description="Percent; left out: no VAT applies")
    step_size: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Billed in steps of so many Wh (ENERGY) or seconds, once a session",
    )


class TariffRestrictions(_Part):
    """TariffRestrictions of OCPI 2.2.1 §11.4.6. Times and dates are the site's own."""

    start_time: _Clock | None = Field(default=None, description="From this time of the day")
    end_time: _Clock | None = Field(
        default=None,
        description="Until this time of the day; before `start_time` it is that of the next day",
    )
    start_date: date | None = Field(default=None, description="From this day")
    end_date: date | None = Field(default=None, description="Until this day, which is not included")
    min_kwh: _Energy | None = Field(default=None, description="Once so much has been charged")
    max_kwh: _Energy | None = Field(default=None, description="Until so much has been charged")
    min_duration: _Seconds | None = Field(default=None, description="Seconds after the start")
    max_duration: _Seconds | None = Field(default=None, description="Seconds after the start")
    day_of_week: tuple[DayOfWeek, ...] = Field(default=(), description="Empty: every day")

    @model_validator(mode="after")
    def _can_ever_hold(self) -> "TariffRestrictions":
        if self.start_time is not None and self.start_time == self.end_time:
            raise FieldValueError(
                "start_time and end_time are the same: leave both out for all day", "end_time"
            )
        for low, high in (
            ("start_date", "end_date"),
            ("min_kwh", "max_kwh"),
            ("min_duration", "max_duration"),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least >= most:
                raise FieldValueError(
                    f"{low} must be less than {high}, or the element never applies", low
                )
        return self

    @property
    def depend_on_time(self) -> bool:
        """Whether it is the time, and not the energy alone, that tells if they hold."""
        return bool(self.times() or self.min_duration is not None or self.max_duration is not None)

    def times(self) -> set[time]:
        """Times of day at which it may begin or cease to hold."""
        found = {
            time.fromisoformat(text)
            for text in (self.start_time, self.end_time)
            if text is not None
        }
        if self.day_of_week or self.start_date or self.end_date or found:
            found.add(time(0))
        return found

    def hold_at(self, local: datetime, *, charged_wh: Decimal, seconds: Decimal) -> bool:
        """Whether the element applies at that moment of a session, given in local time."""
        return (
            self._day_holds(local.date())
            and self._time_holds(local.time())
            and (self.min_kwh is None or charged_wh >= self.min_kwh * 1000)
            and (self.max_kwh is None or charged_wh < self.max_kwh * 1000)
            and (self.min_duration is None or seconds >= self.min_duration)
            and (self.max_duration is None or seconds < self.max_duration)
        )

    def _day_holds(self, day: date) -> bool:
        return (
            (not self.day_of_week or DAYS[day.weekday()] in self.day_of_week)
            and (self.start_date is None or day >= self.start_date)
            and (self.end_date is None or day < self.end_date)
        )

    def _time_holds(self, clock: time) -> bool:
        start = time.fromisoformat(self.start_time or "00:00")
        if self.end_time is None:
            return clock >= start
        end = time.fromisoformat(self.end_time)
        if start < end:
            return start <= clock < end
        return clock >= start or clock < end  # over midnight


class TariffElement(_Part):
    """TariffElement of OCPI 2.2.1 §11.4.4: prices, and when they apply."""

    price_components: list[PriceComponent] = Field(min_length=1, max_length=4)
    restrictions: TariffRestrictions | None = None

    @field_validator("price_components")
    @classmethod
    def _one_of_each(cls, components: list[PriceComponent]) -> list[PriceComponent]:
        if len({component.type for component in components}) < len(components):
            raise ValueError("a type stands twice in this element: only the first would ever count")
        return components


class Tariff(_Part):
    """Currency and elements of a Tariff (OCPI 2.2.1 §11.3.1).

    For each dimension the first element that applies, and has a price for it, counts; where none
    does, that dimension is free.
    """

    currency: str = Field(description="ISO 4217", examples=["GBP"])
    elements: list[TariffElement] = Field(min_length=1, max_length=50)

    @field_validator("currency")
    @classmethod
    def _known(cls, code: str) -> str:
        if not is_currency(code):
            raise ValueError("give the code of a currency in use, in capitals, such as GBP or EUR")
        return code


class TariffVersion(BaseModel):
    """A tariff of a site, which holds until the next version does."""

    model_config = ConfigDict(frozen=True)

    id: str
    valid_from: AwareDatetime
    tariff: Tariff
