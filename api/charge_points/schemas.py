"""Shapes of charge points."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.fields import (
    Address,
    ModelName,
    PreciseTimestamp,
    Request,
    SerialNumber,
    Shown,
    Timestamp,
    example,
)
from api.plausibility import Confirming
from domain.budget import OverBudget
from domain.contests import Contest
from domain.facts import Snapshot
from domain.flapping import Flapping
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


class FlappingShown(Shown):
    """An alarm: the charge point connects again and again."""

    connections: int = Field(description="Connections within ten minutes; at most 12 are counted")
    since: PreciseTimestamp
    remote_addresses: list[str] = Field(description="Where they came from")
    likely_cause: str

    @classmethod
    def of(cls, it: Flapping, **others: Any) -> Self:
        """Show the alarm."""
        return super().of(it, likely_cause=it.cause, **others)


class LinkShown(BaseModel):
    """One of several links that speak as a charge point."""

    link: int = Field(description="Its number, to keep it by")
    remote_address: str | None
    since: PreciseTimestamp
    connected: bool = Field(description="Whether it is still there")


class ContestShown(Shown):
    """An alarm: several links speak as the charge point. Nothing rests on any until one is kept."""

    since: PreciseTimestamp
    likely_cause: str
    links: list[LinkShown]

    @classmethod
    def of(cls, it: Contest, **others: Any) -> Self:
        """Show the alarm."""
        links = [
            LinkShown(
                link=link.generation,
                remote_address=link.remote_address,
                since=link.connected_at,
                connected=link.answered is not False,
            )
            for link in it.links
        ]
        return super().of(it, likely_cause=it.cause, links=links, **others)


class OverBudgetShown(Shown):
    """An alarm: the charge point sends more than is kept of one in a day."""

    since: PreciseTimestamp
    left_out: int = Field(description="Readings and log entries that were left out since")
    likely_cause: str

    @classmethod
    def of(cls, it: OverBudget, **others: Any) -> Self:
        """Show the alarm."""
        return super().of(it, likely_cause=it.cause, **others)


class ConnectionShown(BaseModel):
    """The present or the last link of a charge point."""

    connected: bool
    since: PreciseTimestamp | None = Field(description="Connected or disconnected since; or never")
    ocpp_version: str | None
    remote_address: str | None
    last_heartbeat_at: PreciseTimestamp | None
    last_refused_at: PreciseTimestamp | None
    last_refusal: str | None = Field(description="Why the last attempt was refused, in words")
    flapping: FlappingShown | None = Field(
        description="Set while it connects all the time; null when it is steady"
    )
    contest: ContestShown | None = Field(
        description="Set while several links speak as the charge point, and live; it counts as not "
        "connected then"
    )
    over_budget: OverBudgetShown | None = Field(
        description="Set until midnight (UTC) once it has sent more than is kept of a day, or null"
    )


class FirmwareShown(Shown):
    """What the charge point said of itself at its newest boot."""

    version: str | None
    vendor: str
    model: str
    serial_number: str | None
    booted_at: PreciseTimestamp


class ConnectorShown(BaseModel):
    """Last status of a connector; connector 0 is the station itself."""

    connector_id: int
    evse_id: int = Field(description="Its EVSE; with OCPP 1.6 the same number")
    status: str
    error_code: str
    vendor_error_code: str | None
    info: str | None
    at: PreciseTimestamp


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
            connection=_connection(facts),
            firmware=_firmware(facts),
            connectors=facts.connectors,
        )


def ocpp_endpoint(base: str, charge_point_id: str) -> str:
    """URL that the charge point connects to."""
    return f"{base.rstrip('/')}/{charge_point_id}"


def _connection(facts: Snapshot) -> ConnectionShown:
    link, refusal = facts.connection, facts.last_refusal
    return ConnectionShown(
        connected=link is not None and link.connected,
        since=link.at if link else None,
        ocpp_version=link.ocpp_version if link else None,
        remote_address=link.remote_address if link else None,
        last_heartbeat_at=facts.last_heartbeat_at,
        last_refused_at=refusal.at if refusal else None,
        last_refusal=refusal.reason if refusal else None,
        flapping=FlappingShown.of(facts.flapping) if facts.flapping else None,
        contest=ContestShown.of(facts.contest) if facts.contest else None,
        over_budget=OverBudgetShown.of(facts.over_budget) if facts.over_budget else None,
    )


def _firmware(facts: Snapshot) -> FirmwareShown | None:
    boot = facts.boot
    if boot is None:
        return None
    return FirmwareShown.of(
        boot,
        version=boot.firmware_version,
        serial_number=boot.charge_point_serial or boot.charge_box_serial,
        booted_at=boot.at,
    )
