"""What charge points report, in words of ours.

The words are those that rows and histories hold. A version of OCPP that has others translates them
on arrival; a word that is none of these stays as it came, and is judged as unknown.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Final


class ConnectorError(StrEnum):
    """What is wrong with a connector, or the charge point."""

    NONE = "NoError"
    CONNECTOR_LOCK = "ConnectorLockFailure"
    GROUND = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    LOCAL_LIST = "LocalListConflict"
    OVER_CURRENT = "OverCurrentFailure"
    OVER_VOLTAGE = "OverVoltage"
    POWER_SWITCH = "PowerSwitchFailure"
    READER = "ReaderFailure"
    RESET = "ResetFailure"
    WEAK_SIGNAL = "WeakSignal"


class StopReason(StrEnum):
    """Why a transaction ended."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    """Somebody stopped it at the charge point; so it is where no reason is given."""
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"
    UNPLUGGED = "EVDisconnected"


class Measurand(StrEnum):
    """What a sampled value is of; one without is the register of energy."""

    ENERGY = "Energy.Active.Import.Register"
    POWER = "Power.Active.Import"
    CURRENT = "Current.Import"
    CURRENT_OFFERED = "Current.Offered"
    FREQUENCY = "Frequency"
    STATE_OF_CHARGE = "SoC"
    TEMPERATURE = "Temperature"
    VOLTAGE = "Voltage"


class ReadingContext(StrEnum):
    """On which occasion a sampled value was read."""

    BEGIN = "Transaction.Begin"
    END = "Transaction.End"
    CLOCK = "Sample.Clock"
    TRIGGERED = "Trigger"


SIGNED: Final = "SignedData"
"""The format of a sampled value that its meter has signed: a digest, even where it reads like a
number."""


class FirmwarePhase(Enum):
    """How far an update of the firmware is."""

    NONE = auto()
    """No update is under way."""
    DOWNLOAD = auto()
    DOWNLOAD_FAILED = auto()
    INSTALLATION = auto()
    INSTALLATION_FAILED = auto()
    """Whatever the reason, the new image was not taken."""
    INSTALLED = auto()


FIRMWARE_PHASES: Final[Mapping[str, FirmwarePhase]] = {
    "Idle": FirmwarePhase.NONE,
    "Downloading": FirmwarePhase.DOWNLOAD,
    "Downloaded": FirmwarePhase.DOWNLOAD,
    "DownloadFailed": FirmwarePhase.DOWNLOAD_FAILED,
    "SignatureVerified": FirmwarePhase.INSTALLATION,
    "Installing": FirmwarePhase.INSTALLATION,
    "InstallationFailed": FirmwarePhase.INSTALLATION_FAILED,
    "InstallVerificationFailed": FirmwarePhase.INSTALLATION_FAILED,
    "InvalidSignature": FirmwarePhase.INSTALLATION_FAILED,
    "InvalidCertificate": FirmwarePhase.INSTALLATION_FAILED,
    "RevokedCertificate": FirmwarePhase.INSTALLATION_FAILED,
    "Installed": FirmwarePhase.INSTALLED,
}
"""By the words of charge points, which people read; others tell of no phase."""
