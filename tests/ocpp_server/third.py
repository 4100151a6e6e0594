"""A third protocol, of three actions: Hello and State are a charge point's, Do is ours."""

from datetime import datetime
from typing import Any, cast

from domain import operations as op
from domain.facts import BootFact, ConnectorFact
from domain.ids import Prefix, new_id
from domain.states import RegistrationStatus
from ocpp_server.calls import ask
from ocpp_server.dispatch import Payload, Reply, Route
from ocpp_server.frames import ErrorCode, Send
from ocpp_server.peer import Peer
from ocpp_server.protocol import Expected, OcppProtocol, Order
from ocpp_server.repair import Leniency
from ocpp_server.schemas import Schema
from ocpp_server.session import Session
from storage.fact_records import Boot, ConnectorStatus

_LENIENCY = Leniency(
    sample="amount",
    voiding=(),
    judged_by_handlers=frozenset(),
    spellings={"idle": "free"},
    older_names={},
    wrapped=(),
)
_PLUG = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "is": {"type": "string", "enum": ["free", "broken"]},
    },
    "required": ["number", "is"],
}
_STATE = {
    "type": "object",
    "properties": {
        "plugs": {"type": "array", "items": _PLUG},
        "asked": {"type": "boolean"},
    },
    "required": ["plugs"],
}
_ANSWER = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
_WORDS = {"free": "Available", "broken": "Faulted"}


def _on_hello(peer: Peer, payload: Payload, now: datetime) -> Reply:
    boot = Boot(
        charge_point_id=peer.charge_point_id,
        fact=BootFact(
            boot_id=new_id(Prefix.EVENT),
            at=now,
            vendor="Third",
            model=str(payload.get("model", "")),
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=None,
            registration=RegistrationStatus.PENDING,
        ),
        payload=payload,
    )
    return Reply(lambda: {"you": boot.fact.registration.lower()}, [boot])


def _on_state(peer: Peer, payload: Payload, now: datetime) -> Reply:
    facts = [
        ConnectorStatus(
            charge_point_id=peer.charge_point_id,
            fact=ConnectorFact(
                connector_id=plug["number"], status=_WORDS[plug["is"]], error_code="", at=now
            ),
            stamped_at=now,
        )
        for plug in payload["plugs"]
    ]
    return Reply(lambda: {"known": len(facts)}, facts)


class _Operations:
    @staticmethod
    def follows(_trigger: op.Trigger) -> Expected:
        return Expected("State", lambda payload: payload.get("asked") is True)

    @staticmethod
    async def tell(session: Session, order: Order) -> op.Outcome:
        match order:
            case op.Trigger():
                return await ask(session, "Do", {"what": "tell"})
            case op.Reset():
                return await ask(session, "Do", {"what": "restart"})
            case _:
                return op.Outcome(reply=op.Reply.NOT_SUPPORTED)


def _read_send(message: list[Any]) -> Send:
    return Send(*message[1:])


THIRD = OcppProtocol(
    version="third",
    subprotocol="third1",
    name="Third",
    routes={
        "Hello": Route(_on_hello, None),
        "State": Route(_on_state, Schema(_STATE, _LENIENCY)),
    },
    answer_schema=lambda _action: Schema(_ANSWER, _LENIENCY),
    frame_types={6: _read_send},
    error_codes=dict.fromkeys(ErrorCode, "No"),
    replies={"fine": op.Reply.ACCEPTED, "never": op.Reply.REJECTED},
    repeated=frozenset({"State"}),
    question=("Do", {"what": "nothing"}),
    operations=cast("Any", _Operations),
    limits=cast("Any", None),
    lists=cast("Any", None),
)
