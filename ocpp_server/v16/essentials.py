"""What each message is for, and cannot be read without; whatever else is odd in it is forgiven.

A handler refuses its message for these alone (`missing` in :mod:`ocpp_server.v16.fields`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Essential:
    """Fields without which a message is refused, and what becomes of it without the others."""

    fields: tuple[str, ...] = ()
    otherwise: str


_REPORT: Final = Essential(fields=("status",), otherwise="A word of its own is kept as it is.")

ESSENTIALS: Final[Mapping[str, Essential]] = {
    "Authorize": Essential(fields=("idTag",), otherwise="There is nothing else in it."),
    "BootNotification": Essential(
        otherwise="Whose it is, its connection says. What is missing, empty or too long is a note "
        "of the run."
    ),
    "DataTransfer": Essential(otherwise="It is answered with UnknownVendorId."),
    "DiagnosticsStatusNotification": _REPORT,
    "FirmwareStatusNotification": _REPORT,
    "Heartbeat": Essential(otherwise="It is one, whatever is in it."),
    "LogStatusNotification": _REPORT,
    "MeterValues": Essential(
        fields=("meterValue",),
        otherwise="Without a connector the transaction tells it, or the only one that runs. A "
        "sample that cannot be read costs itself, and is kept as it came.",
    ),
    "SecurityEventNotification": Essential(
        fields=("type",), otherwise="It is stamped with the time of its arrival."
    ),
    "SignedFirmwareStatusNotification": _REPORT,
    "StartTransaction": Essential(
        fields=("connectorId",),
        otherwise="A tag that is missing is not accepted; a register that cannot be read is not "
        "known.",
    ),
    "StatusNotification": Essential(
        fields=("connectorId", "status"),
        otherwise="A status of its own is unknown, and never Available. Without a status an error "
        "code is enough.",
    ),
    "StopTransaction": Essential(
        otherwise="Without a usable id its transaction is told by connector, tag, meter and time; "
        "if two are left, none is ended, and the stop is kept."
    ),
}
