"""The OCPP 1.6 words that a charge point says and hears (OCPP 1.6 edition 2, section 7)."""

from enum import StrEnum


class Action(StrEnum):
    """The calls that this charge point makes."""

    AUTHORIZE = "Authorize"
    BOOT_NOTIFICATION = "BootNotification"
    DIAGNOSTICS_STATUS = "DiagnosticsStatusNotification"
    FIRMWARE_STATUS = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    START_TRANSACTION = "StartTransaction"
    STATUS_NOTIFICATION = "StatusNotification"
    STOP_TRANSACTION = "StopTransaction"


class ChargePointStatus(StrEnum):
    """Status of a connector, or of the station as connector 0 (section 7.7)."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class Answered(StrEnum):
    """The plain answers that several confirmations share."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"
    NOT_IMPLEMENTED = "NotImplemented"
    SCHEDULED = "Scheduled"
    REBOOT_REQUIRED = "RebootRequired"
    UNLOCKED = "Unlocked"
    UNKNOWN = "Unknown"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"
    VERSION_MISMATCH = "VersionMismatch"
    FAILED = "Failed"


class Reason(StrEnum):
    """Why a transaction ended (section 7.36)."""

    DEAUTHORIZED = "DeAuthorized"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


class ReadingContext(StrEnum):
    """Why a reading was taken (section 7.33)."""

    BEGIN = "Transaction.Begin"
    END = "Transaction.End"
    PERIODIC = "Sample.Periodic"
    TRIGGER = "Trigger"
    CLOCK = "Sample.Clock"


class Measurand(StrEnum):
    """What the meters of this charge point can measure (section 7.31)."""

    ENERGY = "Energy.Active.Import.Register"
    POWER = "Power.Active.Import"
    CURRENT = "Current.Import"
    VOLTAGE = "Voltage"
    SOC = "SoC"


class ErrorCode(StrEnum):
    """Codes of a CALLERROR that are sent (OCPP-J 1.6, section 4.2.3, with its spelling)."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT = "PropertyConstraintViolation"
    OCCURRENCE_CONSTRAINT = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT = "TypeConstraintViolation"
