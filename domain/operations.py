"""High-level operations on a charge point, the same for every OCPP version: inputs and outputs.

Each runs as an activity on the node that holds the socket (task queue ``ocpp-<node id>``), at least
once; an operation with an effect carries an ``intent`` and is sent to the charger at most once for
that intent, however often the activity runs.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.facts import BootFact
from domain.messages import MessageKind
from domain.states import ParameterState


class OperationName(StrEnum):
    """Activity names on a node's task queue."""

    READ_IDENTITY = "read_identity"
    READ_CONFIGURATION = "read_configuration"
    APPLY_CONFIGURATION = "apply_configuration"
    TRIGGER = "trigger"
    CHANGE_AVAILABILITY = "change_availability"
    UNLOCK_CONNECTOR = "unlock_connector"
    START_TEST_TRANSACTION = "start_test_transaction"
    STOP_TEST_TRANSACTION = "stop_test_transaction"
    UPDATE_FIRMWARE = "update_firmware"
    RESET = "reset"
    COLLECT_LOGS = "collect_logs"
    LIMIT_STATION = "limit_station"
    LIMIT_CONNECTORS = "limit_connectors"
    LIFT_LIMITS = "lift_limits"
    UPDATE_LOCAL_LIST = "update_local_list"
    PING = "ping"


class Reply(StrEnum):
    """How a charge point took a command.

    NOT_SUPPORTED is a CALLERROR NotImplemented/NotSupported or that status word; TIMEOUT is silence
    within the call's deadline; UNKNOWN is a command whose reply was lost with the node that sent it
    (it is not sent again: believe events).
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    NOT_SUPPORTED = "not_supported"
    ERROR = "error"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


class TriggerKind(StrEnum):
    """What a charge point can be asked to send."""

    BOOT = MessageKind.BOOT
    HEARTBEAT = MessageKind.HEARTBEAT
    METER_VALUES = MessageKind.METER_VALUES
    CONNECTOR_STATUS = MessageKind.CONNECTOR_STATUS
    FIRMWARE_STATUS = MessageKind.FIRMWARE_STATUS
    LOG_STATUS = MessageKind.LOG_STATUS


class ResetKind(StrEnum):
    """Soft asks the software to restart, hard cycles the hardware."""

    SOFT = "Soft"
    HARD = "Hard"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Target of an operation. ``commissioning_id`` files its frames under that run's log."""

    charge_point_id: str
    commissioning_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a command was taken; ``detail`` is the charger's own word or error text."""

    reply: Reply
    detail: str | None = None

    @property
    def said(self) -> str:
        """What it said, to be put into a sentence."""
        return (self.detail or self.reply.replace("_", " ")).rstrip(".")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadIdentity(Operation):
    """Ask for these messages first, in this order, and give them a moment to come."""

    ask_for: tuple[TriggerKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the charge point says it is; ``boot`` is its newest boot, if it ever booted.

    ``ping_ms`` is a round trip on the socket, ``clock_skew_s`` the charger's clock minus ours as
    seen in its newest time-stamped message (None when it sent none). ``not_triggered``: which
    messages it could not be asked for, and how it took that; after a silence none was asked for.
    """

    boot: BootFact | None
    ocpp_version: str
    ping_ms: float
    clock_skew_s: float | None = None
    connected_at: datetime
    heartbeat_at: datetime | None = None
    heartbeat_told_s: int | None = None
    """The interval that it was told in the answer to its newest boot, where that was Accepted."""
    not_triggered: dict[TriggerKind, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class DesiredParameter:
    """One configuration value to reach. An assertion is compared and never written.

    ``chosen``: by somebody; else it is the default of the template.
    """

    key: str
    value: str
    assertion: bool = False
    required: bool = False
    chosen: bool = False

    @property
    def is_binding(self) -> bool:
        """Whether it fails a run where the charge point does not take it."""
        return self.required or self.chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyConfiguration(Operation):
    """Bring these parameters to their values: read first, write only what differs.

    What the charge point has restarted for is read back and not written again; what it has said
    that it does not know (``not_supported``) is neither read nor written. ``restart_follows``:
    where it needs a restart, it gets one, and nothing is read before. ``then``: once it
    has what is required and needs no restart, its boots are accepted, and this is read.
    """

    parameters: tuple[DesiredParameter, ...]
    restarted_for: tuple[str, ...] = ()
    not_supported: tuple[str, ...] = ()
    restart_follows: bool = False
    then: ReadIdentity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterOutcome:
    """Where one parameter stands after the operation. ``reported`` is the charger's value."""

    key: str
    desired: str
    reported: str | None
    state: ParameterState
    written: bool = False
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationOutcome:
    """Outcome of :class:`ApplyConfiguration`.

    ``number_of_connectors`` and what ends in ``_s`` are from the inventory; ``detail`` says
    why nothing could be read. ``unanswered``: it gave no answer about some of them.
    ``not_supported`` are all keys that it was asked for and does not know.
    ``identity`` is what was asked for by ``then``, if it came to that.
    """

    parameters: tuple[ParameterOutcome, ...]
    number_of_connectors: int | None = None
    connectors_said: str | None = None
    """What it says of their number, cut, where no charge point has so many."""
    connection_timeout_s: int | None = None
    """After so many seconds without a cable it forgets that it was told to start."""
    sample_interval_s: int | None = None
    """Between two readings of a session that it sends by itself, as it was before; 0: none."""
    clock_aligned_interval_s: int | None = None
    """Between two readings by the clock; 0: none."""
    keys_reported: int = 0
    unanswered: bool = False
    not_supported: tuple[str, ...] = ()
    detail: str | None = None
    identity: Identity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadConfiguration(Operation):
    """Read these keys, or all of them when empty."""

    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationKey:
    """One key as the charge point reports it."""

    key: str
    value: str | None
    readonly: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """Reported configuration."""

    keys: tuple[ConfigurationKey, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger(Operation):
    """Ask for a message now."""

    message: TriggerKind
    connector_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeAvailability(Operation):
    """Make a connector operative or inoperative."""

    connector_id: int
    operative: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockConnector(Operation):
    """Let go of the plug in a connector, once per ``intent``."""

    intent: str
    connector_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTestTransaction(Operation):
    """Start on a connector, once per ``intent``; of an owner's session, too."""

    intent: str
    connector_id: int
    id_tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StopTestTransaction(Operation):
    """Stop whatever session. Not sent for a transaction that has ended."""

    transaction_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset(Operation):
    """Restart the charge point, once per ``intent``."""

    intent: str
    kind: ResetKind


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateFirmware(Operation):
    """Install firmware from ``location`` (URL), once per ``intent``."""

    intent: str
    location: str
    retrieve_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectLogs(Operation):
    """Have its logs uploaded to ``location`` (URL), once per ``intent``."""

    intent: str
    location: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ping:
    """A measured round trip on the socket, in milliseconds."""

    latency_ms: float
    ocpp_version: str
