"""Facts that charge points report: what a node stores, and what a watching workflow is told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.budget import OverBudget
from domain.connection_attempts import Claimed, Misnamed, tries_to_connect_as
from domain.contests import Contest
from domain.flapping import Flapping
from domain.messages import MessageKind
from domain.places import evse_of
from domain.states import RegistrationStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionFact:
    """The present or last link of a charge point.

    ``generation`` grows with every accepted connection of the charge point; an event of an older
    generation never overrides a newer one.
    """

    connected: bool
    node_id: str
    generation: int
    ocpp_version: str
    at: datetime
    remote_address: str | None = None
    contested: bool = False
    """Several links speak as the charge point, or may: nothing rests on any until one is left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BootFact:
    """One boot and how it was answered. ``warnings`` name harmless breaks of the schema."""

    boot_id: str
    at: datetime
    vendor: str
    model: str
    charge_point_serial: str | None
    charge_box_serial: str | None
    firmware_version: str | None
    registration: RegistrationStatus
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorFact:
    """Last status of a connector. Connector 0 is the station itself.

    ``status`` and ``error_code`` are :class:`ConnectorStatus` and :class:`ConnectorError`, or the
    charger's own words where they are none of these.
    """

    connector_id: int
    status: str
    error_code: str
    at: datetime
    vendor_error_code: str | None = None
    info: str | None = None

    @property
    def evse_id(self) -> int:
        """Number of its EVSE; OCPP 1.6: its own."""
        return evse_of(self.connector_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionFact:
    """A transaction as far as it is known. Meter readings are in Wh; None: not (yet) known.

    ``transaction_id`` is what the charge point knows, unique there alone; ``number`` the engine's
    own: of two transactions the one that it heard of later has the higher one.
    """

    transaction_id: str
    connector_id: int
    id_tag: str
    started_at: datetime
    meter_start: int | None
    stopped_at: datetime | None = None
    meter_stop: int | None = None
    stop_reason: str | None = None
    number: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusFact:
    """The newest status of a firmware update, and when it came."""

    status: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterFact:
    """Meter values have arrived; ``energy_wh`` is their newest Energy.Active.Import.Register."""

    connector_id: int
    transaction_id: str | None
    at: datetime
    energy_wh: float | None = None


class EventKind(StrEnum):
    """What happened to a charge point."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    CONNECTOR = "connector"
    TRANSACTION_STARTED = "transaction_started"
    METER_VALUES = "meter_values"
    TRANSACTION_STOPPED = "transaction_stopped"
    FIRMWARE_STATUS = "firmware_status"
    DIAGNOSTICS_STATUS = "diagnostics_status"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointEvent:
    """One event that a watching workflow is told. Exactly the field of its kind is set.

    ``event_id`` makes a repeated signal harmless. ``commissioning_id`` is the run that it is for:
    all runs of a charge point have the same workflow id, and a signal may come after the end of its
    run, to the next.
    """

    event_id: str
    kind: EventKind
    at: datetime
    charge_point_id: str = ""
    commissioning_id: str | None = None
    connection: ConnectionFact | None = None
    boot: BootFact | None = None
    connector: ConnectorFact | None = None
    transaction: TransactionFact | None = None
    meter: MeterFact | None = None
    status: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointEvents:
    """A signal to a watching workflow: what happened since the last one, in its order.

    A signal costs Temporal the same for one event or for many. ``incomplete``: there were so many
    that some before these are dropped, and the workflow is to read again what is known.
    """

    events: tuple[ChargePointEvent, ...]
    incomplete: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedAttempt:
    """A connection that was refused, and why, in words for the installer.

    ``misnamed``: it came under a name that nobody has and that can be claimed. ``claimed``: that
    has been claimed since, at ``at``, and it has not tried again yet.
    """

    at: datetime
    code: str
    reason: str
    remote_address: str | None = None
    misnamed: Misnamed | None = None
    claimed: Claimed | None = None

    @property
    def cause(self) -> str:
        """Return what is wrong; one under another name has a sentence of its own on what to do."""
        return tries_to_connect_as(self.misnamed) if self.misnamed is not None else self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Irregularity:
    """A kind of message that broke the standard during a run, and how often it came.

    ``refused``: nothing could be made of it. ``astray``: it was read, kept, and of nothing that is
    known here. Else ``what`` was read past. ``action`` is empty where it could not be told.
    ``excerpt`` is of the first such frame.
    """

    action: str
    what: str
    refused: bool
    count: int
    excerpt: str
    astray: bool = False
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Astray:
    """What came since a run began, and neither is of its charge point nor of what it tests there.

    Of meter values: the newest of a connector and the transaction that they were filed under. Of
    others: what has the charge point's serial number, or the tag of the run's test, and came to the
    endpoint of another one, which is ``charge_point_id`` at ``place``.
    """

    action: MessageKind
    at: datetime
    connector_id: int = 0
    transaction_id: str | None = None
    charge_point_id: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that is known of a charge point at one moment; the start of every watch.

    ``transactions`` are those that run, and those that came since the run that asks began.
    """

    connection: ConnectionFact | None = None
    boot: BootFact | None = None
    connectors: tuple[ConnectorFact, ...] = ()
    transactions: tuple[TransactionFact, ...] = ()
    last_heartbeat_at: datetime | None = None
    last_refusal: RefusedAttempt | None = None
    flapping: Flapping | None = None
    contest: Contest | None = None
    """The links that speak as the charge point, where several do and live."""
    over_budget: OverBudget | None = None
    irregularities: tuple[Irregularity, ...] = ()
    """Those of the run that asks."""
    astray: tuple[Astray, ...] = ()
    """Read for a last look only."""
    firmware_status: StatusFact | None = None
    """The newest."""
