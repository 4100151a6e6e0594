"""OCPP 1.6 as a node sees it (:mod:`ocpp_server.protocol`): its messages, and its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.facts import EventKind
from domain.operations import Reply
from ocpp_server import dispatch
from ocpp_server.dispatch import Handler, Payload, Route
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from ocpp_server.protocol import OcppProtocol
from ocpp_server.v16 import boot, commands, limits, local_list
from ocpp_server.v16.notifications import on_security_event, on_status, status_report
from ocpp_server.v16.schemas import request_schema, response_schema
from ocpp_server.v16.transactions import on_authorize, on_meter_values, on_start, on_stop

_ERROR_CODES: Final = {
    ErrorCode.NOT_IMPLEMENTED: "NotImplemented",
    ErrorCode.INTERNAL_ERROR: "InternalError",
    ErrorCode.PROTOCOL_ERROR: "ProtocolError",
    ErrorCode.FORMATION_VIOLATION: "FormationViolation",
    ErrorCode.PROPERTY_CONSTRAINT_VIOLATION: "PropertyConstraintViolation",
    ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",
    ErrorCode.TYPE_CONSTRAINT_VIOLATION: "TypeConstraintViolation",
}
"""OCPP-J 1.6 §4.2.3, with its spelling."""
_REPLIES: Final = {
    "Accepted": Reply.ACCEPTED,
    "Rejected": Reply.REJECTED,
    "Scheduled": Reply.SCHEDULED,
    "Unlocked": Reply.ACCEPTED,
    "UnlockFailed": Reply.REJECTED,
    "NotImplemented": Reply.NOT_SUPPORTED,
    "NotSupported": Reply.NOT_SUPPORTED,
}
_OF_ITS_OWN: Final = frozenset({"StartTransaction", "StopTransaction"})
"""Each of these stands for itself in a log."""
_FIRMWARE: Final = status_report(EventKind.FIRMWARE_STATUS, "Firmware update")
_DIAGNOSTICS: Final = status_report(EventKind.DIAGNOSTICS_STATUS, "Diagnostics")


@dataclass(frozen=True, kw_only=True, slots=True)
class Essential:
    """Fields without which a message is refused, and what becomes of it without the others.

    A handler refuses its message for these alone (`missing` in :mod:`ocpp_server.v16.fields`).
    """

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


def protocol(*, boot_retry_interval: int, heartbeat_interval: int) -> OcppProtocol:
    """Make it; both intervals are in seconds."""
    on_boot = boot.handler(
        boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval
    )
    routes = {
        # Boots break the schema harmlessly in the field; the handler checks them itself.
        "BootNotification": Route(on_boot, None),
        **{action: Route(on, request_schema(action)) for action, on in _VALIDATED.items()},
    }
    return OcppProtocol(
        version="1.6",
        subprotocol="ocpp1.6",
        name="OCPP 1.6 JSON",
        routes=routes,
        answer_schema=response_schema,
        frame_types={},
        error_codes=_ERROR_CODES,
        replies=_REPLIES,
        repeated=frozenset(routes) - _OF_ITS_OWN,
        question=("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        operations=commands,
        limits=limits,
        lists=local_list,
    )


def _on_data_transfer(_peer: Peer, _payload: Payload, _now: datetime) -> dispatch.Reply:
    """Answer DataTransfer (§4.3): no vendor extension is known here."""
    return dispatch.Reply(lambda: {"status": "UnknownVendorId"})


_VALIDATED: Final[Mapping[str, Handler]] = {
    "Authorize": on_authorize,
    "DataTransfer": _on_data_transfer,
    "DiagnosticsStatusNotification": _DIAGNOSTICS,
    "FirmwareStatusNotification": _FIRMWARE,
    "Heartbeat": boot.on_heartbeat,
    "LogStatusNotification": _DIAGNOSTICS,
    "MeterValues": on_meter_values,
    "SecurityEventNotification": on_security_event,
    "SignedFirmwareStatusNotification": _FIRMWARE,
    "StartTransaction": on_start,
    "StatusNotification": on_status,
    "StopTransaction": on_stop,
}
"""What a charge point may send, beside its boot, and who handles it."""
