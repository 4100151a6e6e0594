"""Shapes of charge points."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.charge_points.known import (
    ConnectionShown,
    ConnectorShown,
    FirmwareShown,
    connection_of,
    firmware_of,
)
from api.fields import (
    Address,
    ModelName,
    Request,
    SerialNumber,
    Shown,
    Timestamp,
    example,
)
from api.plausibility import Confirming
from domain.facts import Snapshot
from domain.plausibility import Question, ask_place
from domain.rules.connector import MOST_CONNECTORS
from domain.states import ChargePointStatus
from domain.wording import FieldValueError
from storage.charge_points import ChargePoint, Location

_ID = "cp_01HX5P2QRSTUVWXYZ0"
_ENDPOINT = f"wss://ocpp.dynamo-csms.com/{_ID}"
_LOCATION: dict[str, Any] = {
    "latitude": 51.4545,
    "longitude": -2.5879,
    "address": "Bay 3, Car Park A, Riverside Business Park",
}
EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "project_id": "prj_01HX4M7TABCDE12345",
    "serial_number": "CP-SN-00483921",
    "model": "ABB Terra AC W22",
    "vendor": "ABB",
    "ocpp_version": "1.6",
    "location": _LOCATION,
    "declared_connectors": None,
    "status": "registered",
    "created_at": "2026-05-01T09:10:00Z",
    "ocpp_endpoint": _ENDPOINT,
    "withdrawal": None,
    "replaces": None,
    "replaced_by": None,
}


def _supported(version: str) -> str:
    if version != "1.6":
        raise ValueError("OCPP 2.0.1 and 2.1 are not supported yet; register it with 1.6")
    return version


OcppVersion = Annotated[Literal["1.6", "2.0.1", "2.1"], AfterValidator(_supported)]


SerialWanted = Annotated[
    str | None,
    Query(max_length=100, description="Only the one with this serial number, in whatever case"),
]


Connectors = Annotated[int, Field(strict=True, ge=1, le=MOST_CONNECTORS)]
_CONNECTORS: Final = "How many connectors it has; overrides what it reports itself"


class LocationFields(Request):
    """Where a charge point stands. Degrees are WGS 84."""

    latitude: Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)] | None = (
        None
    )
    address: Address | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "LocationFields":
        if (self.latitude is None) != (self.longitude is None):
            missing = "latitude" if self.latitude is None else "longitude"
            raise FieldValueError("give latitude and longitude together", missing)
        return self

    def questions(self) -> list[Question]:
        """What is to be asked about it."""
        return ask_place("location", self.latitude, self.longitude)

    def stored(self) -> Location:
        """As the registry keeps it."""
        return Location(latitude=self.latitude, longitude=self.longitude, address=self.address)


class NewChargePoint(Confirming):
    """A charge point to register."""

    model_config = example(
        project_id="prj_01HX4M7TABCDE12345",
        serial_number="CP-SN-00483921",
        model="ABB Terra AC W22",
        vendor="ABB",
        ocpp_version="1.6",
        location=_LOCATION,
    )

    project_id: Annotated[str, Field(max_length=100)]
    serial_number: SerialNumber
    model: ModelName
    vendor: ModelName
    ocpp_version: OcppVersion = "1.6"
    location: LocationFields | None = None
    connectors: Connectors | None = Field(default=None, description=_CONNECTORS)

    def registered(self, charge_point_id: str, *, at: datetime) -> ChargePoint:
        """As the registry keeps it from now on."""
        return ChargePoint(
            id=charge_point_id,
            project_id=self.project_id,
            serial_number=self.serial_number,
            model=self.model,
            vendor=self.vendor,
            ocpp_version=self.ocpp_version,
            location=self.location.stored() if self.location else Location(),
            connectors=self.connectors,
            status=ChargePointStatus.REGISTERED,
            created_at=at,
        )


class ChargePointChange(Confirming):
    """What to change of a charge point; what is left out stays."""

    model_config = example(location=_LOCATION)

    serial_number: SerialNumber | None = None
    model: ModelName | None = None
    vendor: ModelName | None = None
    location: LocationFields | None = None
    connectors: Connectors | None = Field(
        default=None, description=f"{_CONNECTORS}; null: what it reports counts again"
    )

    @model_validator(mode="after")
    def _no_null(self) -> "ChargePointChange":
        named = self.model_fields_set - {"connectors"}
        nulls = [name for name in named if getattr(self, name) is None]
        if nulls:
            raise FieldValueError("cannot be null", *sorted(nulls))
        return self

    @property
    def changes_identity(self) -> bool:
        """Whether it becomes another piece of hardware."""
        return bool(self.model_fields_set & {"serial_number", "model", "vendor"})


class ChargePointRegistered(Shown):
    """A charge point, as its registration answers it."""

    model_config = example(
        id=_ID, serial_number="CP-SN-00483921", status="registered", ocpp_endpoint=_ENDPOINT
    )

    id: str
    serial_number: str
    status: ChargePointStatus
    ocpp_endpoint: str = Field(description="Configure the charger's firmware to connect to it")


class LocationShown(BaseModel):
    """Where a charge point stands."""

    latitude: float | None
    longitude: float | None
    address: str | None


class WithdrawalShown(Shown):
    """A charge point that is out of its project, or is to be."""

    at: Timestamp | None = Field(
        description="Since when; null: as soon as its run or session has ended"
    )
    by: str | None = Field(description="E-mail of who has withdrawn it")
    reason: str


class ChargePointShown(ChargePointRegistered):
    """A charge point, as its installer sees it in a list."""

    model_config = example(EXAMPLE)

    project_id: str
    model: str
    vendor: str
    ocpp_version: str
    location: LocationShown
    declared_connectors: int | None = Field(
        description="As many as `connectors` declared; null: as many as it reports"
    )
    created_at: Timestamp
    withdrawal: WithdrawalShown | None = Field(
        description="Set when it is out of the project, or is to be"
    )
    replaces: str | None = Field(description="Id of the withdrawn one in whose place it is")
    replaced_by: str | None = Field(description="Id of the one in its place")

    @classmethod
    def at(cls, ocpp_base: str, charge_point: ChargePoint, **others: Any) -> Self:
        """Show a charge point; ``ocpp_base``: where charge points connect."""
        return cls.of(
            charge_point,
            declared_connectors=charge_point.connectors,
            ocpp_endpoint=ocpp_endpoint(ocpp_base, charge_point.id),
            **others,
        )


class ChargePointDetail(ChargePointShown):
    """A charge point with its connection, firmware and connectors."""

    model_config = example(
        **EXAMPLE,
        connection={
            "connected": True,
            "since": "2026-05-01T09:20:00.120Z",
            "ocpp_version": "1.6",
            "remote_address": "203.0.113.7",
            "last_heartbeat_at": "2026-05-01T09:29:30.004Z",
            "last_refused_at": None,
            "last_refusal": None,
            "flapping": None,
            "contest": None,
            "over_budget": None,
        },
        firmware={
            "version": "1.8.21",
            "vendor": "ABB",
            "model": "Terra AC W22",
            "serial_number": "CP-SN-00483921",
            "booted_at": "2026-05-01T09:20:00.450Z",
        },
        connectors=[
            {
                "connector_id": 1,
                "evse_id": 1,
                "status": "Available",
                "error_code": "NoError",
                "vendor_error_code": None,
                "info": None,
                "at": "2026-05-01T09:20:01.310Z",
            }
        ],
    )

    connection: ConnectionShown
    firmware: FirmwareShown | None
    connectors: list[ConnectorShown]

    @classmethod
    def with_facts(cls, ocpp_base: str, charge_point: ChargePoint, facts: Snapshot) -> Self:
        """Show a charge point and what it reported."""
        return cls.at(
            ocpp_base,
            charge_point,
            connection=connection_of(facts),
            firmware=firmware_of(facts),
            connectors=facts.connectors,
        )


def ocpp_endpoint(base: str, charge_point_id: str) -> str:
    """URL that the charge point connects to."""
    return f"{base.rstrip('/')}/{charge_point_id}"
