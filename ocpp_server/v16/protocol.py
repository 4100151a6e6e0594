"""OCPP 1.6 as a node sees it (:mod:`ocpp_server.protocol`)."""

from datetime import datetime
from typing import Final

from domain.facts import EventKind
from domain.operations import Reply as Answered
from ocpp_server.dispatch import Handler, Payload, Reply, Route, Routes
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from ocpp_server.protocol import OcppProtocol
from ocpp_server.v16 import boot, commands, limits, local_list
from ocpp_server.v16.authorize import on_authorize
from ocpp_server.v16.metering import on_meter_values
from ocpp_server.v16.reports import on_security_event, status_report
from ocpp_server.v16.schemas import request_schema, response_schema
from ocpp_server.v16.status import on_status
from ocpp_server.v16.transactions import on_start, on_stop

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
    "Accepted": Answered.ACCEPTED,
    "Rejected": Answered.REJECTED,
    "Scheduled": Answered.SCHEDULED,
    "Unlocked": Answered.ACCEPTED,
    "UnlockFailed": Answered.REJECTED,
    "NotImplemented": Answered.NOT_SUPPORTED,
    "NotSupported": Answered.NOT_SUPPORTED,
}
_OF_ITS_OWN: Final = frozenset({"StartTransaction", "StopTransaction"})
"""Each of these stands for itself in a log."""


def protocol(*, boot_retry_interval: int, heartbeat_interval: int) -> OcppProtocol:
    """Make it; both intervals are in seconds."""
    table = _routes(boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval)
    return OcppProtocol(
        version="1.6",
        subprotocol="ocpp1.6",
        name="OCPP 1.6 JSON",
        routes=table,
        answer_schema=response_schema,
        frame_types={},
        error_codes=_ERROR_CODES,
        replies=_REPLIES,
        repeated=frozenset(table) - _OF_ITS_OWN,
        question=("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        operations=commands,
        limits=limits,
        lists=local_list,
    )


def _routes(*, boot_retry_interval: int, heartbeat_interval: int) -> Routes:
    on_boot = boot.handler(
        boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval
    )
    firmware = status_report(EventKind.FIRMWARE_STATUS, "Firmware update")
    diagnostics = status_report(EventKind.DIAGNOSTICS_STATUS, "Diagnostics")
    validated: dict[str, Handler] = {
        "Authorize": on_authorize,
        "DataTransfer": _on_data_transfer,
        "DiagnosticsStatusNotification": diagnostics,
        "FirmwareStatusNotification": firmware,
        "Heartbeat": boot.on_heartbeat,
        "LogStatusNotification": diagnostics,
        "MeterValues": on_meter_values,
        "SecurityEventNotification": on_security_event,
        "SignedFirmwareStatusNotification": firmware,
        "StartTransaction": on_start,
        "StatusNotification": on_status,
        "StopTransaction": on_stop,
    }
    return {
        # Boots break the schema harmlessly in the field; the handler checks them itself.
        "BootNotification": Route(on_boot, None),
        **{action: Route(handler, request_schema(action)) for action, handler in validated.items()},
    }


def _on_data_transfer(_peer: Peer, _payload: Payload, _now: datetime) -> Reply:
    return Reply(lambda: {"status": "UnknownVendorId"})  # no vendor extension is known here
