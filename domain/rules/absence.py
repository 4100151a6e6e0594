"""What came, and could not be read, in place of what is missed."""

from collections.abc import Mapping, Sequence
from typing import Final

from domain.checks import Failure
from domain.facts import Irregularity
from domain.failures import FailureCode, failure

_MISSED: Final[Mapping[FailureCode, tuple[str, str]]] = {
    FailureCode.IDENTITY_UNKNOWN: ("BootNotification", "it is not known what it is"),
    FailureCode.BOOT_NOT_ACCEPTED: ("BootNotification", "it could not be accepted"),
    FailureCode.REBOOT_NOT_SEEN: ("BootNotification", "its restart was not seen"),
    FailureCode.NO_HEARTBEAT: ("Heartbeat", "no heartbeat is known"),
    FailureCode.HEARTBEAT_MISSING: ("Heartbeat", "no heartbeat is known"),
    FailureCode.FIRMWARE_NOT_UPDATED: ("BootNotification", "no other firmware is known"),
    FailureCode.FIRMWARE_UPDATE_NOT_SEEN: ("BootNotification", "no other firmware is known"),
    FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED: ("BootNotification", "no other firmware is known"),
    FailureCode.CONNECTOR_SILENT: ("StatusNotification", "the status of a connector is not known"),
    FailureCode.CONNECTOR_UNAVAILABLE: ("StatusNotification", "its newest status is not known"),
    FailureCode.CONNECTOR_IN_USE: ("StatusNotification", "its newest status is not known"),
    FailureCode.TRANSACTION_NOT_STARTED: ("StartTransaction", "no transaction is known"),
    FailureCode.TRANSACTION_NOT_STOPPED: ("StopTransaction", "no end of the charge is known"),
    FailureCode.NO_METER_VALUES: ("MeterValues", "no energy reading is known"),
}
"""By the code that says what is missed: in which message it comes, and what follows."""

_OF_NO_MESSAGE: Final = frozenset(
    {
        FailureCode.NEVER_CONNECTED,
        FailureCode.CONNECTION_LOST,
        FailureCode.TRANSACTION_REJECTED,
    }
)
"""What is missed is a connection; or its answer came, and what it says may not be so."""

ABSENCES: Final = _MISSED.keys() | _OF_NO_MESSAGE
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


def unreadable(code: FailureCode, irregularities: Sequence[Irregularity]) -> Failure | None:
    """Make the failure that tells of messages that were refused; None where none may be the one.

    A frame whose action cannot be told may be any message.
    """
    if code not in _MISSED:
        return None
    action, consequence = _MISSED[code]
    refused = [one for one in irregularities if one.refused and one.action in {action, ""}]
    if not refused:
        return None
    first = max(refused, key=lambda one: (one.action == action, one.count))
    return failure(
        FailureCode.MESSAGES_UNREADABLE,
        count=sum(one.count for one in refused),
        action=action if first.action else "of a kind that cannot be told",
        consequence=consequence,
        what=first.what.rstrip("."),
        excerpt=first.excerpt[:_EXCERPT],
    )


_EXCERPT: Final = 80
