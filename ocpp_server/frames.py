"""OCPP-J frames: bytes in, one of six shapes out; never an exception."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import orjson

from ocpp_server import loose_json

MessageId = str | int
"""Ours are short texts; a charge point's is echoed as it came, within :data:`MAX_MESSAGE_ID`."""
MAX_MESSAGE_ID: Final = 255  # the standard says 36; a GUID in braces has 38
_CALL: Final = 2
_CALL_RESULT: Final = 3
_CALL_ERROR: Final = 4
_TYPES: Final = {"2": 2, "3": 3, "4": 4}
_CALL_LENGTH: Final = 4
_CALL_RESULT_LENGTH: Final = 3
_CALL_ERROR_LENGTH: Final = 5
_ID_PLACE: Final = 1
_HEAD_LENGTH: Final = 512
_HEAD: Final = re.compile(
    rb'\s*\[\s*"?(?P<type>[234])"?\s*,\s*"(?P<id>[^"\\]{1,255})"\s*(,\s*"(?P<action>\w{1,50})")?'
)
_NUL: Final = b"\\u0000"
_REPLACEMENT: Final = b"\\ufffd"


class ErrorCode(Enum):
    """Why a request is refused; each version spells it in its own way."""

    NOT_IMPLEMENTED = auto()
    INTERNAL_ERROR = auto()
    PROTOCOL_ERROR = auto()
    FORMATION_VIOLATION = auto()
    PROPERTY_CONSTRAINT_VIOLATION = auto()
    OCCURRENCE_CONSTRAINT_VIOLATION = auto()
    TYPE_CONSTRAINT_VIOLATION = auto()


@dataclass(slots=True, eq=False)
class Call:
    """A request. ``oddities`` say what in its frame was read past, each in a few words."""

    message_id: MessageId
    action: str
    payload: dict[str, Any]
    oddities: tuple[str, ...] = ()


class Send(Call):
    """A request that nothing is answered to; not every version has it."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class CallResult:
    """An answer to a request of ours."""

    message_id: MessageId
    payload: dict[str, Any]
    oddities: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class CallError:
    """A refusal of a request of ours."""

    message_id: MessageId
    code: str
    description: str


@dataclass(slots=True, eq=False)
class Malformed:
    """A request that cannot be read but can be refused, as its message id can be told."""

    message_id: MessageId
    description: str
    action: str | None = None


@dataclass(slots=True, eq=False)
class Unreadable:
    """Bytes that nothing can be answered to; ``answer_to`` names our request, if it can be told."""

    reason: str
    answer_to: str | None = None


@dataclass(slots=True, eq=False)
class Other:
    """A frame of a type that not every version of OCPP has; ``message`` is all of it."""

    message_type: int
    message: list[Any]


Frame = Call | CallResult | CallError | Malformed | Unreadable | Other


UNKNOWN_TYPE: Final = "its message type is not 2, 3 or 4"
_IN_A_TEXT: Final = "the frame is written as a text"


def parse(data: bytes) -> Frame:
    """Read a frame: strictly, then leniently. Any bytes whatever give a Frame."""
    if _NUL in data:  # PostgreSQL stores no NUL in any text
        data = data.replace(_NUL, _REPLACEMENT)
    oddities: tuple[str, ...] = ()
    try:
        # orjson bounds nesting and the size of numbers itself, by the same ValueError.
        message = orjson.loads(data)
    except ValueError as error:
        try:
            message, oddities = loose_json.loads(data)
        except ValueError:
            return _broken(data, error)
    if type(message) is str:
        message, oddities = loose_json.inside(message), (*oddities, _IN_A_TEXT)
    if type(message) is not list or len(message) <= _ID_PLACE:
        return Unreadable("it is not an OCPP-J array")
    return _of(message, oddities)


def _of(message: list[Any], oddities: tuple[str, ...]) -> Frame:
    message_type, message_id = message[0], message[_ID_PLACE]
    if type(message_id) is str:
        if len(message_id) > MAX_MESSAGE_ID:
            return Unreadable(f"its message id has more than {MAX_MESSAGE_ID} characters")
    elif type(message_id) is not int:
        return Unreadable("its message id is neither a text nor a number")
    if type(message_type) is not int:
        message_type = _TYPES.get(message_type) if type(message_type) is str else None
    if message_type == _CALL:
        return _parse_call(message, message_id, oddities)
    return _parse_answer(message, message_type, message_id, oddities)


def _parse_call(message: list[Any], message_id: MessageId, oddities: tuple[str, ...]) -> Frame:
    if len(message) == _CALL_LENGTH and type(message[2]) is str and type(message[3]) is dict:
        return Call(message_id, message[2], message[3], oddities)
    action = message[2] if len(message) > _CALL_LENGTH - 2 else None
    if type(action) is not str:
        return Malformed(message_id, "The action is not a string.")
    payload, odd = _payload(message, _CALL_LENGTH)
    if payload is None:
        return Malformed(message_id, "The payload is not an object.", action)
    return Call(message_id, action, payload, (*oddities, odd))


def _parse_answer(
    message: list[Any], message_type: int | None, message_id: MessageId, oddities: tuple[str, ...]
) -> Frame:
    if message_type == _CALL_RESULT:
        if len(message) == _CALL_RESULT_LENGTH and type(message[2]) is dict:
            return CallResult(message_id, message[2], oddities)
        payload, odd = _payload(message, _CALL_RESULT_LENGTH)
        if payload is None:
            return Unreadable("the payload of its answer is not an object", str(message_id))
        return CallResult(message_id, payload, (*oddities, odd))
    if message_type == _CALL_ERROR:
        code, description, *_ = (*message[2:_CALL_ERROR_LENGTH], "", "")
        return CallError(message_id, str(code)[:50], str(description)[:255])
    return Unreadable(UNKNOWN_TYPE) if message_type is None else Other(message_type, message)


def _payload(message: list[Any], length: int) -> tuple[dict[str, Any] | None, str]:
    """Read the payload of a frame that has another shape than the standard's ``length`` elements.

    Some firmware writes no payload, ``null`` or an empty list where it means ``{}``.
    """
    payload = message[length - 1] if len(message) >= length else None
    if type(payload) is dict:
        return payload, f"the frame has {len(message)} elements, not {length}"
    if payload is None or payload == []:
        return {}, "the frame has no payload object"
    if type(payload) is str and type(inner := loose_json.inside(payload)) is dict:
        return inner, "the payload is written as a text"
    return None, ""


def _broken(data: bytes, error: ValueError) -> Frame:
    """Tell at least to whom or what these bytes belong, which are no JSON."""
    reason = f"it is no JSON ({error})"[:200]
    head = _HEAD.match(data[:_HEAD_LENGTH])
    if head is None:
        return Unreadable(reason)
    message_id = head["id"].decode(errors="replace")
    if head["type"] != b"2":
        return Unreadable(reason, message_id)
    action = head["action"]
    return Malformed(message_id, reason, action.decode(errors="replace") if action else None)


def behind(frame: Frame, data: bytes) -> Iterator[bytes]:
    """Give the frames that came behind this one in the same message."""
    if isinstance(frame, Call | CallResult) and loose_json.BEHIND in frame.oddities:
        yield from loose_json.behind(data)


def call(message_id: MessageId, action: str, payload: dict[str, Any]) -> bytes:
    """Write a CALL."""
    return orjson.dumps([_CALL, message_id, action, payload])


def call_result(message_id: MessageId, payload: dict[str, Any]) -> bytes:
    """Write a CALLRESULT."""
    return orjson.dumps([_CALL_RESULT, message_id, payload])


def call_error(message_id: MessageId, code: str, description: str) -> bytes:
    """Write a CALLERROR; the description is cut to the standard's 255 characters."""
    return orjson.dumps([_CALL_ERROR, message_id, code, description[:255], {}])
