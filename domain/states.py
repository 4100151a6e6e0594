"""The status words of the engine; the guide fixes those that a caller sees."""

from enum import StrEnum


class Role(StrEnum):
    """Who an account acts as."""

    INSTALLER = "installer"
    SITE_OWNER = "site_owner"


class ProjectRole(StrEnum):
    """What a person is to a project; each comes about by one invitation.

    A technician does the work on site; a lead decides about the project, too. SERVICE is no part of
    the project: it has a service visit's rights, as long as that is open.
    """

    SITE_OWNER = "site_owner"
    LEAD = "lead"
    TECHNICIAN = "technician"
    SERVICE = "service"

    @property
    def account_role(self) -> Role:
        """Of which kind the account is that has it."""
        return Role.SITE_OWNER if self is ProjectRole.SITE_OWNER else Role.INSTALLER


class ProjectStatus(StrEnum):
    """Life of a project."""

    IN_PROGRESS = "in_progress"
    HANDED_OVER = "handed_over"


class AccessMode(StrEnum):
    """Whom the charge points of a handed-over project charge for."""

    LISTED = "listed"
    OPEN = "open"


class OfflineAccess(StrEnum):
    """Whom the charge points of a handed-over project charge for while the engine is away."""

    NOBODY = "nobody"
    LISTED = "listed"
    EVERYBODY = "everybody"


class Feature(StrEnum):
    """What comes alive for the site owner at the handover."""

    BILLING = "billing"
    SMART_CHARGING = "smart_charging"
    OFFLINE_CHARGING = "offline_charging"


class FeatureState(StrEnum):
    """How far a feature is, of a project or of one of its charge points."""

    ACTIVATING = "activating"
    ACTIVE = "active"
    FAILED = "failed"
    PAUSED = "paused"
    NOT_SET = "not_set"
    """Nobody has said what it needs; no fault of anything."""
    LIMITED = "limited"
    """A charge point can do less than is wanted of it, or does not say; what it does is active."""
    PENDING = "pending"
    """Nothing has to be done: a charge point is asked, and told, within a minute."""


class InvitationStatus(StrEnum):
    """Life of an invitation to a project."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"
    EXPIRED = "expired"


class ServiceVisitStatus(StrEnum):
    """Life of a service visit; by OPEN alone somebody may do something.

    EXPIRED: its time was over before anybody closed it. REVOKED: closed before it was accepted.
    """

    INVITED = "invited"
    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"
    DECLINED = "declined"
    REVOKED = "revoked"

    @property
    def is_running(self) -> bool:
        """Whether its charge points are taken by it."""
        return self in {ServiceVisitStatus.INVITED, ServiceVisitStatus.OPEN}


class ChargePointStatus(StrEnum):
    """Life of a charge point, as far as commissioning goes; one that is WITHDRAWN is out of it."""

    REGISTERED = "registered"
    COMMISSIONING = "commissioning"
    COMMISSIONED = "commissioned"
    COMMISSIONING_FAILED = "commissioning_failed"
    WITHDRAWN = "withdrawn"


class Exchange(StrEnum):
    """What two charge points exchange: a unit is the hardware, with its name plate."""

    PLACES = "places"
    ENDPOINTS = "endpoints"
    UNITS = "units"


class TransactionBilling(StrEnum):
    """Where billing stands with an ended transaction of a project that bills.

    DUE is set in the transaction's own commit: whatever dies, the reconciler finds it. HELD waits
    for the site owner, for all of it or for its time; DROPPED is what the owner will not bill.
    """

    DUE = "due"
    BILLED = "billed"
    HELD = "held"
    DROPPED = "dropped"
    EXEMPT = "exempt"


class RunStatus(StrEnum):
    """Life of a commissioning run. STARTING and ABANDONED are never shown to a caller.

    A row is STARTING from its commit until its workflow has begun; an API that could not start the
    workflow turns it ABANDONED, and then the workflow, should it exist after all, ends at once.
    """

    STARTING = "starting"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"

    @property
    def is_open(self) -> bool:
        """Whether the run has no verdict yet."""
        return self in {RunStatus.STARTING, RunStatus.IN_PROGRESS}


class BatchScope(StrEnum):
    """Which charge points of a project are commissioned together."""

    NOT_COMMISSIONED = "not_commissioned"
    FAILED = "failed"
    ALL = "all"


class BatchStatus(StrEnum):
    """Life of a project's commissioning; STARTING and ABANDONED as in :class:`RunStatus`."""

    STARTING = "starting"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


class MemberState(StrEnum):
    """Where a charge point of a batch stands, apart from what its run says."""

    QUEUED = "queued"
    STARTED = "started"
    KEPT = "kept"
    CANCELLED = "cancelled"


class CheckName(StrEnum):
    """The four checks of the guide, in its order."""

    OCPP_HANDSHAKE = "ocpp_handshake"
    FIRMWARE_VERSION = "firmware_version"
    CONNECTOR_AVAILABLE = "connector_available"
    TEST_TRANSACTION = "test_transaction"


class CheckResult(StrEnum):
    """Result of a check or of a step inside it."""

    PENDING = "pending"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class ConnectorChoice(StrEnum):
    """Which connectors get a test charge, where they are not named by number."""

    ALL = "all"
    FIRST = "first"


class WaitingFor(StrEnum):
    """What an open run waits for; the API shows it as ``waiting_for``."""

    CONNECTION = "connection"
    BOOT = "boot"
    VEHICLE = "vehicle"
    REBOOT = "reboot"
    UNPLUG = "unplug"
    INSTALLER = "installer"
    TURN = "turn"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    START = "start"
    METER = "meter"
    END = "end"

    @property
    def is_for_a_person(self) -> bool:
        """Whether somebody may have to do something; the others come to their end by themselves."""
        return self in {
            WaitingFor.CONNECTION,
            WaitingFor.BOOT,
            WaitingFor.VEHICLE,
            WaitingFor.UNPLUG,
            WaitingFor.INSTALLER,
        }


class InstallerAnswer(StrEnum):
    """What a person answers to a question of an open run."""

    DONE = "done"
    GIVE_UP = "give_up"
    SKIP = "skip"


class ParameterState(StrEnum):
    """Where one desired configuration parameter stands.

    APPLIED was reported so; UNCONFIRMED was accepted, and is never reported.
    """

    QUEUED = "queued"
    APPLIED = "applied"
    UNCONFIRMED = "unconfirmed"
    PENDING_REBOOT = "pending_reboot"
    REJECTED = "rejected"
    NOT_SUPPORTED = "not_supported"
    READ_ONLY = "read_only"
    MISMATCH = "mismatch"


class WebhookStatus(StrEnum):
    """Whether a webhook gets events."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """Where the delivery of an event to a webhook stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class LogLevel(StrEnum):
    """Level of an entry in the detailed log. Frames are DEBUG."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RegistrationStatus(StrEnum):
    """How a boot is answered."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"


class ConnectorStatus(StrEnum):
    """What a charge point reports of a connector; OCCUPIED where it cannot tell more."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"


class IdentityMatch(StrEnum):
    """Why an unknown identity may be a charge point."""

    SERIAL_NUMBER = "serial_number"
    SIMILAR_SERIAL_NUMBER = "similar_serial_number"
    SIMILAR_ID = "similar_id"
