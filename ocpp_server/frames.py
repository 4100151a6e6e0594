"""OCPP-J frames: bytes in, one of five shapes out; never an exception (OCPP-J 1.6 §4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

MAX_MESSAGE_ID: Final = 36
_CALL: Final = 2
_CALL_RESULT: Final = 3
_CALL_ERROR: Final = 4
_CALL_LENGTH: Final = 4
_CALL_RESULT_LENGTH: Final = 3
_CALL_ERROR_LENGTHS: Final = (4, 5)  # some leave the details out
_ID_PLACE: Final = 1
_NUL: Final = b"\\u0000"
_REPLACEMENT: Final = b"\\ufffd"


class ErrorCode(StrEnum):
    """Error codes of OCPP-J 1.6 §4.2.3, with its spelling."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


@dataclass(slots=True, eq=False)
class Call:
    """A request."""

    message_id: str
    action: str
    payload: dict[str, Any]


@dataclass(slots=True, eq=False)
class CallResult:
    """An answer to a request of ours."""

    message_id: str
    payload: dict[str, Any]


@dataclass(slots=True, eq=False)
class CallError:
    """A refusal of a request of ours."""

    message_id: str
    code: str
    description: str


@dataclass(slots=True, eq=False)
class Malformed:
    """A request that can be answered with a CALLERROR, as its message id can be read."""

    message_id: str
    description: str


@dataclass(slots=True, eq=False)
class Unreadable:
    """Bytes that nothing can be answered to."""

    reason: str


Frame = Call | CallResult | CallError | Malformed | Unreadable


def parse(data: bytes) -> Frame:
    """Read a frame. Any bytes whatever give a Frame."""
    if _NUL in data:  # PostgreSQL stores no NUL in any text
        data = data.replace(_NUL, _REPLACEMENT)
    try:
        # orjson bounds nesting and the size of numbers itself, by the same ValueError.
        message = orjson.loads(data)
    except ValueError as error:
        return Unreadable(f"not JSON: {error}"[:200])
    if type(message) is not list or len(message) <= _ID_PLACE:
        return Unreadable("not an OCPP-J array")
    message_type, message_id = message[0], message[_ID_PLACE]
    if type(message_id) is not str or not 0 < len(message_id) <= MAX_MESSAGE_ID:
        return Unreadable("the message id is not a string of 1 to 36 characters")
    if type(message_type) is not int:
        return Unreadable("the message type is not a number")
    if message_type == _CALL:
        return _parse_call(message, message_id)
    return _parse_answer(message, message_type, message_id)


def _parse_answer(message: list[Any], message_type: int, message_id: str) -> Frame:
    if message_type == _CALL_RESULT:
        if len(message) == _CALL_RESULT_LENGTH and type(message[2]) is dict:
            return CallResult(message_id, message[2])
        return Unreadable("the CALLRESULT has no payload object")
    if message_type == _CALL_ERROR:
        if len(message) in _CALL_ERROR_LENGTHS:
            return CallError(message_id, str(message[2])[:50], str(message[3])[:255])
        return Unreadable("the CALLERROR has no code and description")
    return Unreadable("unknown message type")


def _parse_call(message: list[Any], message_id: str) -> Frame:
    if len(message) != _CALL_LENGTH:
        return Malformed(message_id, "A CALL has four elements.")
    action, payload = message[2], message[3]
    if type(action) is not str:
        return Malformed(message_id, "The action is not a string.")
    if type(payload) is not dict:
        return Malformed(message_id, "The payload is not an object.")
    return Call(message_id, action, payload)


def call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """Write a CALL."""
    return orjson.dumps([_CALL, message_id, action, payload])


def call_result(message_id: str, payload: dict[str, Any]) -> bytes:
    """Write a CALLRESULT."""
    return orjson.dumps([_CALL_RESULT, message_id, payload])


def call_error(message_id: str, code: ErrorCode, description: str) -> bytes:
    """Write a CALLERROR; the description is cut to the standard's 255 characters."""
    return orjson.dumps([_CALL_ERROR, message_id, code, description[:255], {}])
