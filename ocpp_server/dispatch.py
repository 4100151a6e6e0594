"""The core of a session without I/O: a CALL in, the facts to store and the reply out."""

from collections.abc import Callable, Mapping, Sequence
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
    """What to store, and the payload to answer once it is committed.

    Facts of one message are stored together, kind by kind (:mod:`storage.store_facts`).
    """

    payload: Callable[[], Payload]
    facts: Sequence[Record] = ()
    heartbeat: bool = False
    repairs: tuple[str, ...] = ()
    """What was read past in the message, each in a few words."""
    astray: Callable[[], str | None] | None = None
    """Why it changed nothing, once it is stored: None when it did."""


Handler = Callable[[Peer, Payload, datetime], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """How an action is handled. Without a schema the handler looks at the payload itself."""

    handler: Handler
    schema: Schema | None


Routes = Mapping[str, Route]


def dispatch(routes: Routes, peer: Peer, call: Call, now: datetime) -> Reply:
    """Read a CALL, strictly, then leniently, and let its handler judge what it says.

    Raises:
        CallRefusedError: unknown action, or nothing is left that the message is for.

    """
    route = routes.get(call.action) or _spelt_otherwise(routes, call.action)
    if route is None:
        raise CallRefusedError(ErrorCode.NOT_IMPLEMENTED, "This action is not known here.")
    if route.schema is None or route.schema.is_valid(call.payload):
        return _handled(route, peer, call.payload, now, call.oddities)
    repaired = route.schema.repair(call.payload)
    try:
        reply = _handled(route, peer, repaired.payload, now, (*call.oddities, *repaired.repairs))
    except CallRefusedError as refusal:
        violation = route.schema.check(call.payload)
        if violation is None or refusal.code is not ErrorCode.PROTOCOL_ERROR:
            raise
        raise CallRefusedError(violation, refusal.description) from refusal
    call.payload = repaired.payload  # as it was read
    return reply


def _handled(
    route: Route, peer: Peer, payload: Payload, now: datetime, repairs: tuple[str, ...]
) -> Reply:
    if peer.misread:  # of a message that was refused
        peer.misread.clear()
    reply = route.handler(peer, payload, now)
    reply.repairs = repairs
    if peer.misread:
        reply.repairs = (*repairs, *dict.fromkeys(peer.misread))
        peer.misread.clear()
    return reply


def _spelt_otherwise(routes: Routes, action: str) -> Route | None:
    key = action.strip().casefold()
    return next((route for name, route in routes.items() if name.casefold() == key), None)
