"""OCPP 1.6 as a node sees it (:mod:`ocpp_server.protocol`)."""

from typing import Final

from domain.operations import Reply
from ocpp_server.frames import ErrorCode
from ocpp_server.protocol import OcppProtocol
from ocpp_server.v16 import limits, offline, operations
from ocpp_server.v16.routes import routes
from ocpp_server.v16.schemas import response_schema

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


def protocol(*, boot_retry_interval: int, heartbeat_interval: int) -> OcppProtocol:
    """Make it; both intervals are in seconds."""
    table = routes(boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval)
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
        operations=operations,
        limits=limits,
        lists=offline,
    )
