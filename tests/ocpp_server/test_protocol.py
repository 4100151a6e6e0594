"""A protocol that nothing else knows plugs in: its charge point speaks it to a real node."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from domain import operations as op
from domain.facts import EventKind
from storage.engine import Database
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot, Connector
from tests.ocpp_server.bed import WITHIN, Bed, RecordingSink, Wire, make_node, seed
from tests.ocpp_server.third import THIRD
from tests.support.ocpp import PROTOCOLS

NEWEST_FIRST = {THIRD.subprotocol: THIRD, **PROTOCOLS}


@pytest.fixture
async def bed(database: Database) -> AsyncIterator[Bed]:
    (charge_point_id,) = await seed(database)
    sink = RecordingSink()
    node = make_node(database, sink, protocols=NEWEST_FIRST)
    port = await node.start("127.0.0.1", 0)
    yield Bed(database, node, sink, port, charge_point_id)
    await node.stop()


def offers(*names: str) -> list[Subprotocol]:
    return [Subprotocol(name) for name in names]


def state(*, asked: bool) -> str:
    plugs = [{"number": 1, "is": "free"}, {"number": 2, "is": "broken"}]
    return json.dumps([2, "s", "State", {"plugs": plugs, "asked": asked}])


async def answer(wire: Wire, status: str) -> object:
    """Answer what the node tells, and return what that is."""
    message_type, message_id, action, payload = await wire.frame()
    assert (message_type, action) == (2, "Do")
    await wire.socket.send(json.dumps([3, message_id, {"status": status}]))
    return payload


async def test_its_facts_travel_to_the_rows_and_to_the_workflow_that_watches(bed: Bed) -> None:
    await bed.watch("run-1")
    async with bed.wire(subprotocols=offers("third1")) as wire:
        assert (await wire.call("Hello", {"model": "T"}))[2] == {"you": "accepted"}
        assert (await wire.raw(state(asked=False)))[2] == {"known": 2}
        await bed.sink.until(lambda: bed.sink.kinds.count(EventKind.CONNECTOR) == 2)
    (boot,) = await bed.rows(Boot)
    assert (boot.vendor, boot.model) == ("Third", "T")
    assert {(row.evse_id, row.status) for row in await bed.rows(Connector)} == {
        (1, "Available"),
        (2, "Faulted"),
    }
    assert {workflow for workflow, _ in bed.sink.delivered} == {"run-1"}
    (link,) = await bed.rows(ChargePointConnection)
    assert link.ocpp_version == "third"


@pytest.mark.parametrize(
    ("word", "reply"), [("fine", op.Reply.ACCEPTED), ("never", op.Reply.REJECTED)]
)
async def test_an_operation_is_told_in_its_messages(bed: Bed, word: str, reply: op.Reply) -> None:
    reset = op.Reset(charge_point_id=bed.charge_point_id, intent="r", kind=op.ResetKind.SOFT)
    async with bed.wire(subprotocols=offers("third1")) as wire:
        await wire.call("Hello", {})
        told = asyncio.create_task(bed.gateway.reset(reset))
        assert await answer(wire, word) == {"what": "restart"}
        assert await told == op.Outcome(reply=reply, detail=word)


async def test_what_was_asked_for_is_told_from_what_comes_anyway(bed: Bed) -> None:
    async with bed.wire(subprotocols=offers("third1")) as wire:
        await wire.call("Hello", {})
        session = bed.node.registry.require(bed.charge_point_id)
        trigger = op.Trigger(
            charge_point_id=bed.charge_point_id, message=op.TriggerKind.CONNECTOR_STATUS
        )
        coming = session.expect(session.protocol.operations.follows(trigger))
        told = asyncio.create_task(bed.gateway.trigger(trigger))
        assert await answer(wire, "fine") == {"what": "tell"}
        assert (await told).reply is op.Reply.ACCEPTED
        await wire.raw(state(asked=False))
        assert not coming.done()
        await wire.raw(state(asked=True))
        async with asyncio.timeout(WITHIN):
            await coming


async def test_it_is_read_with_its_own_leniency(bed: Bed) -> None:
    async with bed.wire(subprotocols=offers("third1")) as wire:
        await wire.call("Hello", {})
        plugs = [{"number": "1", "is": "idle"}]
        assert (await wire.call("State", {"plugs": plugs}))[2] == {"known": 1}
    (row,) = await bed.rows(Connector)
    assert (row.evse_id, row.status) == (1, "Available")


async def test_a_frame_of_its_own_type_is_read_and_not_answered(bed: Bed) -> None:
    async with bed.wire(subprotocols=offers("third1")) as wire:
        plugs = {"plugs": [{"number": 3, "is": "free"}]}
        await wire.socket.send(json.dumps([6, "a", "State", plugs]))
        await wire.socket.send(json.dumps([6, "b", "Nonsense", {}]))
        assert (await wire.call("Hello", {}))[:2] == [3, "1"]
    (row,) = await bed.rows(Connector)
    assert row.evse_id == 3


async def test_a_refusal_is_in_its_words(bed: Bed) -> None:
    async with bed.wire(subprotocols=offers("third1")) as wire:
        assert (await wire.call("Heartbeat", {}))[2] == "No"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(("ocpp1.6",), "1.6"), (("ocpp1.6", "third1"), "third"), (("x", "third1"), "third")],
)
async def test_the_newest_that_is_offered_is_spoken(
    bed: Bed, offered: tuple[str, ...], chosen: str
) -> None:
    async with bed.wire(subprotocols=offers(*offered)) as wire:
        assert wire.socket.subprotocol == {"1.6": "ocpp1.6", "third": "third1"}[chosen]
        if chosen == "1.6":
            assert (await wire.boot())["status"] == "Accepted"
            assert (await wire.call("Hello", {}))[2] == "NotImplemented"
        else:
            assert (await wire.call("Hello", {}))[2] == {"you": "accepted"}
    (link,) = await bed.rows(ChargePointConnection)
    assert link.ocpp_version == chosen


async def test_who_offers_none_of_them_hears_of_all(bed: Bed) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with bed.wire(subprotocols=offers("ocpp2.0.1")):
            pass
    said = (refused.value.response.body or b"").decode()
    assert "Choose Third (subprotocol third1) or OCPP 1.6 JSON (subprotocol ocpp1.6) in" in said
