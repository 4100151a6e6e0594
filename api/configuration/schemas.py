"""Shapes of configuration and connection test."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StrictBool, WithJsonSchema, model_validator

from api.connection_attempts.schemas import ClaimShown
from api.fields import Request, Shown, Timestamp, example
from domain.catalogue import ParameterType, ParameterValue
from domain.states import ParameterState
from domain.wording import FieldValueError

_ID = "cp_01HX5P2QRSTUVWXYZ0"
_MAX_PARAMETERS = 100
_Key = Annotated[str, Field(min_length=1, max_length=100)]
_SCALAR = WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "boolean"}, {"type": "string"}]})


class TemplateParameter(BaseModel):
    """One parameter of a template."""

    key: str
    default: ParameterValue
    type: ParameterType


class TemplateShown(Shown):
    """The default configuration of a model."""

    model_config = example(
        template_version="2.1.0",
        parameters=[
            {"key": "HeartbeatInterval", "default": 60, "type": "integer"},
            {"key": "MeterValueSampleInterval", "default": 30, "type": "integer"},
            {"key": "MaxChargingProfilesInstalled", "default": 10, "type": "integer"},
            {"key": "AuthorizationCacheEnabled", "default": True, "type": "boolean"},
        ],
    )

    template_version: str
    parameters: list[TemplateParameter]


class ParameterChoice(Request):
    """One parameter to override. Its template, or the standard, says of which type its value is."""

    key: _Key
    value: Annotated[Any, _SCALAR]


class Customization(Request):
    """Parameters to override."""

    model_config = example(
        parameters=[
            {"key": "HeartbeatInterval", "value": 30},
            {"key": "MeterValueSampleInterval", "value": 15},
            {"key": "AuthorizationCacheEnabled", "value": False},
        ]
    )

    parameters: list[ParameterChoice] = Field(default=[], max_length=_MAX_PARAMETERS)
    take_back: list[_Key] = Field(
        default=[],
        max_length=_MAX_PARAMETERS,
        description="Keys whose chosen value is given up: the template's default counts again, or "
        "nothing where it has none",
    )
    reboot: StrictBool = Field(
        default=False,
        description="Whether the charge point may reboot now for a value that needs it, as soon "
        "as nobody charges; else its next connection brings the reboot",
    )

    @model_validator(mode="after")
    def _something(self) -> "Customization":
        if not (self.parameters or self.take_back):
            raise FieldValueError("give parameters, take_back, or both", "parameters")
        return self


class Rejection(BaseModel):
    """A value that the charge point did not take."""

    key: str
    reason: str


class Customized(BaseModel):
    """What became of the overrides."""

    model_config = example(
        charge_point_id=_ID,
        applied=["HeartbeatInterval", "MeterValueSampleInterval", "AuthorizationCacheEnabled"],
        rejected=[],
        queued=[],
        pending_reboot=False,
    )

    charge_point_id: str
    applied: list[str] = Field(description="The charge point has taken these values")
    rejected: list[Rejection] = Field(description="The charge point did not take these, and why")
    queued: list[str] = Field(description="Stored; they are pushed when the charge point connects")
    taken_back: list[str] = Field(
        default=[], description="Choices that were given up; left out where none was"
    )
    pending_reboot: bool = Field(description="Some applied values count after the next reboot")


class ParameterShown(Shown):
    """One parameter as it stands."""

    key: str
    type: ParameterType
    default: ParameterValue | None = Field(description="Null where the template has none")
    desired: ParameterValue = Field(description="The chosen value, else the default")
    reported: str | None = Field(description="What the charge point last reported, as text")
    state: ParameterState | None = Field(description="Where a chosen value stands")
    customized: bool = Field(description="Chosen by `customize`; else it is the default")
    detail: str | None = Field(description="Why it stands there, and what to do about it")
    minimum: int | None
    maximum: int | None
    unit: str | None
    description: str
    assertion: bool = Field(description="Read-only on the charge point: compared, never written")


class ParameterKeyShown(Shown):
    """A key that can be chosen, and that the template does not have."""

    key: str
    type: ParameterType
    minimum: int | None
    maximum: int | None
    unit: str | None
    description: str
    standard: bool = Field(description="A key of OCPP 1.6; else this charge point has reported it")


class ConfigurationShown(BaseModel):
    """The configuration of a charge point: desired, reported, and where that stands."""

    model_config = example(
        charge_point_id=_ID,
        template_version="2.1.0",
        pending_reboot=True,
        parameters=[
            {
                "key": "MeterValueSampleInterval",
                "type": "integer",
                "default": 30,
                "desired": 15,
                "reported": "30",
                "state": "pending_reboot",
                "customized": True,
                "detail": "The restart waits until nobody charges: "
                "transaction 17 is running on connector 1.",
                "minimum": 1,
                "maximum": 3600,
                "unit": "s",
                "description": "Time between two readings of a transaction.",
                "assertion": False,
            }
        ],
        more_keys=[
            {
                "key": "MeterValuesSampledData",
                "type": "string",
                "minimum": None,
                "maximum": None,
                "unit": None,
                "description": "Measurands of readings during a transaction, after commas.",
                "standard": True,
            }
        ],
    )

    charge_point_id: str
    template_version: str
    pending_reboot: bool = Field(description="Some values count after the next reboot")
    parameters: list[ParameterShown]
    more_keys: list[ParameterKeyShown] = Field(
        description="What can be chosen besides, by `customize`"
    )


class ConnectionTested(BaseModel):
    """Whether the charge point can be reached, and how fast."""

    model_config = example(
        charge_point_id=_ID,
        connected=True,
        latency_ms=42,
        ocpp_version_negotiated="1.6",
        tested_at="2026-05-01T09:30:00Z",
        reason=None,
        claim=None,
    )

    charge_point_id: str
    connected: bool
    latency_ms: int | None = Field(description="A measured round trip on the socket")
    ocpp_version_negotiated: str | None = Field(description="The WebSocket subprotocol")
    tested_at: Timestamp
    reason: str | None = Field(description="Why it is not connected, in words")
    claim: ClaimShown | None = Field(
        description="The call that lets it in, where it tries another name than its id"
    )
