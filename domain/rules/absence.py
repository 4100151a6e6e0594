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
    FailureCode.CONNECTOR_SILENT: ("StatusNotification", "the status of a connector is not known"),
    FailureCode.TRANSACTION_NOT_STARTED: ("StartTransaction", "no transaction is known"),
    FailureCode.TRANSACTION_NOT_STOPPED: ("StopTransaction", "no end of the charge is known"),
    FailureCode.NO_METER_VALUES: ("MeterValues", "no energy reading is known"),
}
"""By the code that says what is missed: in which message it comes, and what follows."""


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
