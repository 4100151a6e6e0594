"""The core of a session without I/O: a CALL in, the fact to store and the reply out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpp_server.frames import Call, ErrorCode
from ocpp_server.peer import Peer
from ocpp_server.schemas import Schema
from storage.fact_records import Record

Payload = dict[str, Any]


class CallRefusedError(Exception):
    """The CALL is answered with this CALLERROR."""

    def __init__(self, code: ErrorCode, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(slots=True, eq=False)
class Reply:
    """What to store, and the payload to answer once it is committed."""

    payload: Callable[[], Payload]
    fact: Record | None = None
    heartbeat: bool = False


Handler = Callable[[Peer, Payload, datetime], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """How an action is handled. Without a schema the handler looks at the payload itself."""

    handler: Handler
    schema: Schema | None


Routes = Mapping[str, Route]


def dispatch(routes: Routes, peer: Peer, call: Call, now: datetime) -> Reply:
    """Validate a CALL and let its handler read it.

    Raises:
        CallRefusedError: unknown action, or a payload that breaks its schema.

    """
    route = routes.get(call.action)
    if route is None:
        raise CallRefusedError(ErrorCode.NOT_IMPLEMENTED, "This action is not known here.")
    if route.schema is not None:
        violation = route.schema.check(call.payload)
        if violation is not None:
            raise CallRefusedError(violation.code, violation.description)
    return route.handler(peer, call.payload, now)
