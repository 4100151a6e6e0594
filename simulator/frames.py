"""OCPP-J frames as values: parsing and rendering, no I/O (OCPP-J 1.6, section 4.2).

FrameError            what was received is no frame that can be answered
CallRejected          an inbound CALL to be answered with a CALLERROR
"""

from dataclasses import dataclass
from typing import Any

import orjson

from simulator.words import ErrorCode

Payload = dict[str, Any]

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4


class FrameError(Exception):
    """The text is no OCPP-J frame; there is nobody to answer."""


class CallRejected(Exception):  # noqa: N818 - named after what it tells the central system
    """An inbound CALL is answered with a CALLERROR."""

    def __init__(self, code: ErrorCode, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the central system; `action` and `payload` are still as they came."""

    unique_id: str
    action: Any
    payload: Any


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to one of our calls."""

    unique_id: str
    payload: Any


@dataclass(frozen=True, slots=True)
class CallError:
    """The refusal of one of our calls."""

    unique_id: str
    code: str
    description: str


def parse(raw: str | bytes) -> Call | CallResult | CallError:
    """Read one frame, or raise FrameError."""
    try:
        frame = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FrameError("not JSON") from error
    match frame:
        case [2, str(unique_id), action, payload]:
            return Call(unique_id, action, payload)
        case [2, str(unique_id), *_]:
            return Call(unique_id, None, None)
        case [3, str(unique_id), payload]:
            return CallResult(unique_id, payload)
        case [4, str(unique_id), code, *rest]:
            return CallError(unique_id, str(code), str(rest[0]) if rest else "")
    raise FrameError("not an OCPP-J frame")


def render_call(unique_id: str, action: str, payload: Payload) -> str:
    """Render a CALL."""
    return orjson.dumps([CALL, unique_id, action, payload]).decode()


def render_result(unique_id: str, payload: Payload) -> str:
    """Render a CALLRESULT."""
    return orjson.dumps([CALL_RESULT, unique_id, payload]).decode()


def render_error(unique_id: str, code: ErrorCode, description: str) -> str:
    """Render a CALLERROR."""
    return orjson.dumps([CALL_ERROR, unique_id, code, description[:255], {}]).decode()
