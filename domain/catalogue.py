"""What the catalogue says of a vendor + model: configuration template and firmware rule."""

from dataclasses import dataclass
from enum import StrEnum

from domain.plausibility import Current

ParameterValue = bool | int | str


class FirmwareUpdate(StrEnum):
    """How a model gets a new firmware: by OCPP, or in its vendor's own app or portal."""

    OCPP = "ocpp"
    VENDOR = "vendor"


class ParameterType(StrEnum):
    """Type of a template parameter, as the API shows it."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One template parameter.

    An ``assertion`` is compared with what the charge point reports, never written. A ``required``
    one fails the handshake when the charge point will not take it; others leave a note.
    """

    key: str
    default: ParameterValue
    type: ParameterType
    description: str = ""
    minimum: int | None = None
    maximum: int | None = None
    unit: str | None = None
    assertion: bool = False
    required: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """Configuration template of a model."""

    template_version: str
    vendor: str
    model: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareImage:
    """An image that the charge point fetches itself from ``location``, and the version in it.

    A location without a scheme is below the setting ``firmware_url``.
    """

    version: str
    location: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareRule:
    """Which firmware versions of a model are approved.

    ``extract`` is a regular expression whose group 1 is the version inside the charger's text.
    ``minimum`` compares by the place in ``order`` when given, else by dotted numeric parts.
    ``strict`` turns "unknown" into a failure, where it is otherwise a pass that needs review.
    ``image`` is what a run installs by OCPP when it is asked to update what is not approved.
    """

    extract: str = r"^(.*)$"
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    minimum: str | None = None
    order: tuple[str, ...] = ()
    strict: bool = False
    update: FirmwareUpdate = FirmwareUpdate.OCPP
    image: FirmwareImage | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueEntry:
    """What is known of a model; ``firmware`` is None for a model nobody has approved yet."""

    template: Template
    firmware: FirmwareRule | None
    current: Current | None = None
    """What it gives to a vehicle; None: not known."""
    connector_kw: float | None = None
    """The most that one of its connectors gives, in kW; None: not known."""
