"""Which failures say that something did not come, and what they take for granted."""

from typing import Final

from domain.failures import FailureCode
from domain.rules.instead import LOOKS

ABSENCES: Final = LOOKS.keys()
"""Codes that say that something did not come: each after a last look, ``workflows.absence``."""

OF_WHAT_CAME: Final = frozenset(
    {
        FailureCode.CONNECTION_REFUSED,
        FailureCode.WRONG_IDENTITY,
        FailureCode.CONNECTION_UNSTABLE,
        FailureCode.BOOT_LOOP,
        FailureCode.NEVER_AT_REST,
        FailureCode.VENDOR_MISMATCH,
        FailureCode.MODEL_MISMATCH,
        FailureCode.SERIAL_MISMATCH,
        FailureCode.SERIAL_OF_ANOTHER,
        FailureCode.CONFIGURATION_REJECTED,
        FailureCode.CONFIGURATION_UNREADABLE,  # in place of the answer, which it is asked for again
        FailureCode.REBOOT_REFUSED,
        FailureCode.CLOCK_SKEW,
        FailureCode.SLOW_LINK,
        FailureCode.FIRMWARE_OUTDATED,
        FailureCode.FIRMWARE_BLOCKED,
        FailureCode.FIRMWARE_UNKNOWN,
        FailureCode.FIRMWARE_UPDATE_REFUSED,
        FailureCode.FIRMWARE_DOWNLOAD_FAILED,
        FailureCode.FIRMWARE_INSTALL_FAILED,
        FailureCode.FIRMWARE_UPDATE_GIVEN_UP,
        FailureCode.CONNECTOR_FAULTED,
        FailureCode.CONNECTOR_STATUS_UNKNOWN,
        FailureCode.CONNECTOR_NOT_THERE,
        FailureCode.TRANSACTION_ENDED_EARLY,
        FailureCode.RESTARTED_IN_CHARGE,
        FailureCode.STARTED_BY_ITSELF,
        FailureCode.WRONG_CONNECTOR,
        FailureCode.METER_UNREADABLE,
        FailureCode.MESSAGES_UNREADABLE,
        FailureCode.NO_ENERGY,
        FailureCode.METER_STANDS_STILL,
        FailureCode.METER_FELL,
        FailureCode.METER_UNITS,
        FailureCode.METER_DISAGREES,
    }
)
"""Codes that say what came: a message, an answer, or a person's word."""

OF_THE_ENGINE: Final = frozenset(
    {
        FailureCode.RUN_ENDED_FROM_OUTSIDE,
        FailureCode.CHARGE_POINT_BUSY,
        FailureCode.NO_POWER,
        FailureCode.ENGINE_ERROR,
    }
)
"""Codes that say nothing of the charge point."""

_OF_ONE_THAT_IS_THERE: Final = frozenset(
    {
        FailureCode.IDENTITY_UNKNOWN,
        FailureCode.BOOT_NOT_ACCEPTED,
        FailureCode.NO_HEARTBEAT,
        FailureCode.HEARTBEAT_MISSING,
        FailureCode.CONNECTOR_SILENT,
        FailureCode.CONNECTOR_UNAVAILABLE,
        FailureCode.CONNECTOR_IN_USE,
        FailureCode.TRANSACTION_NOT_STARTED,
        FailureCode.TRANSACTION_REJECTED,
    }
)


def takes_it_for_online(code: FailureCode) -> bool:
    """Whether its sentence is untrue, or its advice in vain, of one that is not connected."""
    return code in _OF_ONE_THAT_IS_THERE
