"""Contracts of the commissioning workflow, from its start to what it owes at its end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.audit import OPERATOR, Actor
from domain.catalogue import FirmwareRule
from domain.checks import ConnectorsToTest, RunView
from domain.facts import Snapshot, TransactionFact
from domain.operations import DesiredParameter
from domain.states import ConnectorChoice, InstallerAnswer, WaitingFor

DEFAULT_WAIT_FOR_CONNECTION = timedelta(minutes=15)
MAX_WAIT_FOR_CONNECTION = timedelta(days=30)
AN_OPERATOR = "an operator in Temporal"
"""Who acts on a workflow in the Temporal UI, where nobody gives a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPace:
    """How long a run waits at each place; a site with slow chargers may need more."""

    reconnect: timedelta = timedelta(minutes=5)
    boot: timedelta = timedelta(minutes=5)
    reboot: timedelta = timedelta(minutes=10)
    configuration: timedelta = timedelta(minutes=2)
    """A charge point that does not tell its configuration is asked again for so long."""
    heartbeat: timedelta = timedelta(minutes=3)
    heartbeat_at_most: timedelta = timedelta(minutes=15)
    """A longer interval is not waited for, and no advice is to shorten a shorter one."""
    status: timedelta = timedelta(seconds=20)
    firmware: timedelta = timedelta(minutes=45)
    firmware_silence: timedelta = timedelta(minutes=1)
    installer: timedelta = timedelta(hours=24)
    unplug: timedelta = timedelta(minutes=15)
    vehicle: timedelta = timedelta(minutes=15)
    vehicle_prompt: timedelta = timedelta(minutes=3)
    start: timedelta = timedelta(seconds=60)
    meter: timedelta = timedelta(seconds=5)
    charge_at_least: timedelta = timedelta(seconds=8)
    charge_at_most: timedelta = timedelta(minutes=3)
    stop: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """What the installer asked for."""

    run_test_transaction: bool = True
    test_connectors: ConnectorsToTest = ConnectorChoice.ALL
    notify_on_complete: bool = False
    wait_for_connection: timedelta = DEFAULT_WAIT_FOR_CONNECTION
    skip_reason: str | None = None
    update_firmware: bool = False
    """Outdated firmware is updated where the catalogue knows how, instead of failing at once."""
    stop_sessions: bool = False
    """Whoever charges there has their session ended, and billed, before the checks begin."""
    pace: RunPace = field(default_factory=RunPace)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """Input of CommissioningWorkflow."""

    commissioning_id: str
    charge_point_id: str
    project_id: str
    installer_id: str
    started_by: str
    started_at: datetime
    options: RunOptions
    previous_commissioning_id: str | None = None
    from_scratch: bool = True
    """False: passed checks of the run before are kept where nothing has made them stale."""
    live_site: bool = False
    """The site is handed over, and drivers charge there: its workflow lends the charge point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartOrder:
    """Start a run of this id, once however often the order is given."""

    commissioning_id: str
    charge_point_id: str
    installer_id: str
    started_by: str
    options: RunOptions
    actor: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryOrder:
    """Run again as the newest run was started, once however often the order is given.

    ``project_id``, where given, must be the charge point's. ``update_firmware`` and
    ``test_connectors`` None: as before.
    """

    commissioning_id: str
    charge_point_id: str
    installer_id: str
    started_by: str
    from_scratch: bool = False
    update_firmware: bool | None = None
    test_connectors: ConnectorsToTest | None = None
    stop_sessions: bool = False
    project_id: str | None = None
    actor: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryRun:
    """Update of ProjectWorkflow: retry the newest run of one of its charge points."""

    charge_point_id: str
    from_scratch: bool = False
    update_firmware: bool | None = None
    test_connectors: ConnectorsToTest | None = None
    by: str = AN_OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStarted:
    """Answer of :class:`RetryRun`; ``workflow_id`` is where the run can be followed."""

    commissioning_id: str
    charge_point_id: str
    workflow_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WhoseSerial:
    """Which other charge point of the project was registered with one of these serial numbers?"""

    project_id: str
    charge_point_id: str
    serials: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """The charge point as the installer registered it."""

    charge_point_id: str
    project_id: str
    vendor: str
    model: str
    serial_number: str
    ocpp_version: str
    place: str = ""
    connectors: int | None = None
    """How many were declared; None: as many as it reports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunToStart:
    """A run whose row is committed, and the charge point it is about."""

    request: RunRequest
    registered: Registered


@dataclass(frozen=True, kw_only=True, slots=True)
class Briefing:
    """All that a run needs to know when it begins, read at once after the watch began.

    ``accepted`` is False when the run's row was abandoned, or already has a ``verdict``; the
    workflow then ends at once, with that verdict. ``busy_with`` names a workflow that owns the
    charge point for the moment. ``previous`` is the run whose evidence may be kept, and
    ``configured_at`` the moment since when the configuration may be another.
    """

    accepted: bool
    id_tag: str = ""
    registered: Registered | None = None
    snapshot: Snapshot = field(default_factory=Snapshot)
    desired: tuple[DesiredParameter, ...] = ()
    firmware: FirmwareRule | None = None
    previous: RunView | None = None
    configured_at: datetime | None = None
    verdict: RunView | None = None
    busy_with: str | None = None
    api_url: str = ""
    temporal_ui_url: str = ""
    """Bases of the links that operators see; without one its links are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterReading:
    """One sampled instant of a transaction: register in Wh, power in W, as reported."""

    at: datetime
    energy_wh: float | None = None
    power_w: float | None = None
    connector_id: int | None = None
    inferred: bool = False
    """It named no transaction: what ran then on its connector is taken for it."""
    unreadable: int = 0
    """Samples of energy or power in it that could not be read."""
    others_wh: tuple[float, ...] = ()
    """Other values of the register in the same sample, that disagree with ``energy_wh``."""
    triggered: bool = False
    """It was asked for, and is no periodic one."""
    by_clock: bool = False
    """It was taken at a moment of the clock, as is also without a session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionReadings:
    """Meter values of one transaction, ordered by time."""

    readings: tuple[MeterReading, ...]
    transaction: TransactionFact | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelRequest:
    """Who cancels a run, and why. ``actor`` is who that is for the audit trail.

    ``commissioning_id`` is the run that is meant; None: whichever is open.
    """

    by: str = AN_OPERATOR
    reason: str | None = None
    commissioning_id: str | None = None
    actor: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAnswer:
    """Update of CommissioningWorkflow: a person's answer to what the run asks.

    ``commissioning_id`` is the run that is meant; None: whichever is open. ``connector_id`` is the
    connector that is meant; None: the one whose test asks.
    """

    answer: InstallerAnswer
    note: str | None = None
    by: str = AN_OPERATOR
    commissioning_id: str | None = None
    connector_id: int | None = None
    actor: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerNote:
    """An answer for the audit trail; ``number`` counts those of the run, so each is kept once."""

    commissioning_id: str
    charge_point_id: str
    project_id: str
    number: int
    at: datetime
    asked: WaitingFor
    answer: RunAnswer
    connector_id: int | None = None
    """The connector whose test charge asked it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunVerdict:
    """What the run leaves behind: the record as a row, the charge point's new status.

    ``cancel``: who has cancelled it, if it was.
    """

    view: RunView
    cancel: CancelRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Answer of storing a verdict: the one that stands, which is the first that was stored.

    ``configuration_queued``: values wait for a push. ``batch_of`` is the project whose open batch
    has the charge point, and wants to hear of it.
    """

    view: RunView
    configuration_queued: bool = False
    batch_of: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictNotice:
    """What the mail about a verdict needs; ``account_id`` has started the run."""

    account_id: str
    email: str
    project_name: str
    registered: Registered
    view: RunView


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedTransaction:
    """A transaction, by its charge point and the id that this knows."""

    charge_point_id: str
    transaction_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrphanedTransaction:
    """Input of StrayTransactionWorkflow: a test transaction that would not stop.

    ``commissioning_id`` None: a session of nobody's run, at a charge point that is withdrawn.
    """

    charge_point_id: str
    commissioning_id: str | None
    transaction_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailabilityOwed:
    """Input of AvailabilityWorkflow: connectors that were inoperative before a cancelled run."""

    charge_point_id: str
    commissioning_id: str
    connector_ids: tuple[int, ...]
