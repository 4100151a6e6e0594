"""Shapes of billing. Tariffs and records have the names of OCPI 2.2.1; amounts are exact text."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints

from api.fields import Address, Moment, Name, Request, Shown, Timestamp, TimeZone, example
from api.plausibility import Confirm
from domain.billing.statement import Issuer
from domain.billing.tariff import Tariff, TariffElement
from domain.states import Role
from domain.wording import Matching
from storage.billing_activation import BillingState
from storage.tariffs import StoredTariff

Month = Annotated[
    str,
    Field(examples=["2026-05"], max_length=7),
    Matching(r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$", "must be a year and a month, such as 2026-05"),
]

VatNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_upper=True, max_length=20),
    Matching(
        r"^[A-Z0-9][A-Z0-9 .-]{3,19}$",
        "must be a VAT number of 4 to 20 letters and digits, such as GB123456789",
    ),
]

ELEMENTS: list[dict[str, Any]] = [
    {
        "price_components": [
            {"type": "ENERGY", "price": "0.18", "vat": "20", "step_size": 1},
        ],
        "restrictions": {"start_time": "23:00", "end_time": "07:00"},
    },
    {
        "price_components": [{"type": "PARKING_TIME", "price": "6.00", "vat": "20"}],
        "restrictions": {"min_duration": 14400},
    },
    {
        "price_components": [
            {"type": "FLAT", "price": "0.50", "vat": "20"},
            {"type": "ENERGY", "price": "0.32", "vat": "20", "step_size": 1},
        ],
    },
]
_ISSUER: dict[str, Any] = {
    "name": "Riverside Business Park Ltd",
    "address": "12 Riverside Way, Bristol, BS1 4AA",
    "vat_number": "GB123456789",
}
_NEW: dict[str, Any] = {"currency": "GBP", "elements": ELEMENTS}
_TARIFF: dict[str, Any] = {
    "id": "trf_01HX9TARIFFABCDEFG",
    "currency": "GBP",
    "elements": ELEMENTS,
    "valid_from": "2026-05-01T00:00:00Z",
    "set_as": "site_owner",
    "created_at": "2026-04-28T16:20:00Z",
}


class NewTariff(Tariff):
    """What a session costs. The first element that applies, and has the price, counts.

    Prices are without VAT: ENERGY per kWh, TIME (charging) and PARKING_TIME (idle) per hour, FLAT
    once. What has no price at a moment is free then.
    """

    model_config = example(_NEW)

    valid_from: Moment | None = Field(default=None, description="Not in the past; left out: now")

    confirm: Confirm = ()

    def prices(self) -> Tariff:
        """The tariff alone."""
        return Tariff(currency=self.currency, elements=self.elements)


class TariffShown(Shown):
    """A version of the project's tariff; it holds until the next one does."""

    model_config = example(_TARIFF)

    id: str
    currency: str
    elements: list[TariffElement]
    valid_from: Timestamp
    set_as: Role = Field(description="`installer`: a default; `site_owner`: the owner's own")
    created_at: Timestamp

    @classmethod
    def of(cls, it: StoredTariff, **others: Any) -> Self:
        """Show a version."""
        version = it.version
        return super().of(
            it,
            id=version.id,
            currency=version.tariff.currency,
            elements=version.tariff.elements,
            valid_from=version.valid_from,
            **others,
        )


class TimeZoneChange(Request):
    """The time zone of a site."""

    model_config = example(time_zone="Europe/London")

    time_zone: TimeZone


class IssuerChange(Request):
    """In whose name statements are."""

    model_config = example(_ISSUER)

    name: Name
    address: Address | None = None
    vat_number: VatNumber | None = Field(
        default=None, description="Left out: statements have none", examples=["GB123456789"]
    )

    def issuer(self) -> Issuer:
        """As it is kept."""
        return Issuer(name=self.name, address=self.address, vat_number=self.vat_number)


class IssuerShown(Shown):
    """In whose name statements are."""

    model_config = example(_ISSUER)

    name: str
    address: str | None
    vat_number: str | None


class BillingShown(BaseModel):
    """Whether the project bills."""

    model_config = example(
        active_since="2026-05-01T10:15:00Z",
        paused_at=None,
        time_zone="Europe/London",
        held_records=0,
        issuer=_ISSUER,
    )

    active_since: Timestamp | None = Field(description="Null: it begins with the handover")
    paused_at: Timestamp | None = Field(description="Null: it is not paused")
    time_zone: str = Field(description="By whose clock prices are chosen and months begin")
    held_records: int = Field(description="How many sessions wait for your word")
    issuer: IssuerShown = Field(description="In whose name statements are")

    @classmethod
    def of(
        cls, state: BillingState | None, *, time_zone: str, held: int, issuer: Issuer
    ) -> "BillingShown":
        """Show how billing stands."""
        return cls(
            time_zone=time_zone,
            held_records=held,
            issuer=IssuerShown.of(issuer),
            active_since=None if state is None else state.active_since,
            paused_at=None if state is None else state.paused_at,
        )
