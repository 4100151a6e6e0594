"""Links over real sockets: replaced, garbled, flooded, pipelined, cut."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed

from domain.facts import EventKind
from ocpp_server.dispatch import Payload, Reply, Route
from ocpp_server.peer import Peer
from storage.connections import live_node, read_connection
from storage.fact_records import Connected, Disconnected, Record
from storage.models.connections import ChargePointConnection, Node
from storage.models.facts import Boot
from tests.ocpp_server.bed import WITHIN, Bed, RecordingSink, Wire, make_node
from tests.support.eventually import eventually

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def closed(wire: Wire) -> int | None:
    async with asyncio.timeout(WITHIN):
        await wire.socket.wait_closed()
    return wire.socket.close_code


def _committed_by(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """What the node commits from now on."""
    written: list[Record] = []
    forward = bed.node.writer.committed

    def committed(records: Sequence[Record]) -> None:
        written.extend(records)
        forward(records)

    monkeypatch.setattr(bed.node.writer, "committed", committed)
    return written


async def _an_end_is_written(written: list[Record]) -> None:
    def is_written() -> None:
        assert [record for record in written if isinstance(record, Disconnected)]

    await eventually(is_written)


async def test_the_newest_connection_wins_and_a_late_close_changes_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _committed_by(bed, monkeypatch)
    async with bed.wire() as old, bed.wire() as new:
        await new.boot()
        assert await closed(old) == 1008
        await _an_end_is_written(written)
        session = bed.node.registry.require(bed.charge_point_id)
        assert session.peer.generation == 2
        async with bed.database.read() as connection:
            link = await read_connection(connection, bed.charge_point_id, now=datetime.now(UTC))
        assert link is not None
        assert (link.connected, link.generation) == (True, 2)


async def test_a_connection_to_another_node_wins_too(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_node(bed.database, RecordingSink())
    port = await other.start("127.0.0.1", 0)
    elsewhere = Bed(bed.database, other, RecordingSink(), port, bed.charge_point_id)
    written = _committed_by(bed, monkeypatch)
    async with bed.wire() as old, elsewhere.wire() as new:
        await new.boot()
        await bed.node.compare()
        assert await closed(old) == 1008
        await _an_end_is_written(written)
        async with bed.database.read() as connection:
            assert await live_node(connection, bed.charge_point_id) == other.node_id
    await other.stop()


@on_sqlite
async def test_a_link_of_a_node_that_is_silent_is_not_live(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        async with bed.database.write() as connection:
            stale = datetime.now(UTC) - timedelta(seconds=20)
            await connection.execute(update(Node).values(seen_at=stale))
        async with bed.database.read() as connection:
            assert await live_node(connection, bed.charge_point_id) is None


@on_sqlite
async def test_after_missed_beats_a_node_says_that_its_links_are_still_there(bed: Bed) -> None:
    await bed.watch()
    async with bed.wire() as wire:
        await wire.boot()
        await bed.sink.until(lambda: EventKind.BOOT in bed.sink.kinds)
        await bed.node._beat()
        assert bed.node._beaten_at is not None
        bed.node._beaten_at -= 20
        await bed.node._beat()
        await bed.sink.until(lambda: bed.sink.kinds.count(EventKind.CONNECTED) == 2)
        first, again = (e.connection for _, e in bed.sink.delivered if e.connection is not None)
        assert first is not None
        assert again is not None
        assert (again.connected, again.generation) == (True, first.generation)


async def test_a_connection_that_has_no_socket_is_ended(bed: Bed) -> None:
    await bed.watch()
    phantom = Connected(
        charge_point_id=bed.charge_point_id,
        node_id=bed.node.node_id,
        ocpp_version="1.6",
        remote_address=None,
        at=datetime.now(UTC),
    )
    await bed.node.writer.store(phantom)
    await bed.node.compare()
    await bed.node.compare()
    await bed.sink.until(lambda: EventKind.DISCONNECTED in bed.sink.kinds)
    (row,) = await bed.rows(ChargePointConnection)
    assert row.disconnected_at is not None


async def test_a_connection_with_its_socket_is_kept(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        for _ in range(3):
            await bed.node.compare()
        await wire.sync()
        (row,) = await bed.rows(ChargePointConnection)
        assert row.disconnected_at is None


async def test_a_closed_link_is_marked(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()

    async def marked() -> None:
        (row,) = await bed.rows(ChargePointConnection)
        assert row.disconnected_at is not None

    await eventually(marked)


@on_sqlite
async def test_garbage_does_not_end_a_link(bed: Bed) -> None:
    chaos = random.Random(7)
    async with bed.wire() as wire:
        for _ in range(100):
            await wire.socket.send(chaos.randbytes(chaos.randint(0, 200)))
        await wire.socket.send("[" * 60_000)
        await wire.socket.send('[2,"x",{},{}]')
        assert (await wire.frame())[:3] == [4, "x", "FormationViolation"]
        await wire.sync()


@on_sqlite
async def test_too_long_a_message_closes_the_link(bed: Bed) -> None:
    async with bed.wire() as wire:
        with pytest.raises(ConnectionClosed):
            await wire.raw("x" * (64 * 1024 + 1))
        assert wire.socket.close_code == 1009


@on_sqlite
async def test_fragments_are_put_together(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.socket.send(iter(['[2,"1",', "", '"Heartbeat",', "{}]"]))
        assert (await wire.frame())[:2] == [3, "1"]


@on_sqlite
async def test_calls_that_come_at_once_are_answered_in_their_order(bed: Bed) -> None:
    async with bed.wire() as wire:
        for number in range(50):
            await wire.socket.send(json.dumps([2, str(number), "StatusNotification", STATUS]))
        answered = [(await wire.frame())[1] for _ in range(50)]
        assert answered == [str(number) for number in range(50)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_flood_is_held_back_and_answered(bed: Bed) -> None:
    node = make_node(bed.database, RecordingSink(), rate=100.0, burst=10.0)
    port = await node.start("127.0.0.1", 0)
    flooded = Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    async with flooded.wire() as wire:
        begun = asyncio.get_running_loop().time()
        for number in range(40):
            await wire.raw(json.dumps([2, str(number), "Heartbeat", {}]))
        assert asyncio.get_running_loop().time() - begun > 0.2
    await node.stop()


@on_sqlite
async def test_a_bug_of_ours_costs_one_reply(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_peer: Peer, _payload: Payload, _now: datetime) -> Reply:
        raise RuntimeError("a bug")

    async with bed.wire() as wire:
        await wire.sync()
        session = bed.node.registry.require(bed.charge_point_id)
        handlers = {**session.protocol.routes, "Authorize": Route(broken, None)}
        monkeypatch.setattr(session, "protocol", replace(session.protocol, routes=handlers))
        assert (await wire.call("Authorize", {"idTag": "x"}))[2] == "InternalError"
        await wire.sync()


async def test_stopping_says_service_restart(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        await bed.node.stop()
        assert await closed(wire) == 1012
    (row,) = await bed.rows(ChargePointConnection)
    assert row.disconnected_at is not None
    assert await bed.rows(Node) == []


@on_sqlite
async def test_draining_says_service_restart_and_keeps_who_is_busy(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        bed.node.drain(keep={bed.charge_point_id})
        await wire.sync()
        bed.node.drain(keep=())
        assert await closed(wire) == 1012


async def test_boots_that_break_the_schema_are_kept_with_warnings(bed: Bed) -> None:
    async with bed.wire() as wire:
        frame = await wire.call(
            "BootNotification",
            {
                "chargePointVendor": "",
                "chargePointModel": "M",
                "chargePointSerialNumber": "S" * 30,
                "firmwareVersion": "V1\u0000",
                "custom": {"a": 1},
            },
        )
        assert frame[2]["status"] == "Accepted"
    (row,) = await bed.rows(Boot)
    assert row.charge_point_serial == "S" * 30
    assert len(row.warnings) == 3


@on_sqlite
async def test_a_silent_link_is_pinged_and_then_cut(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        socket = bed.node.registry.require(bed.charge_point_id).socket
        heard = socket.heard_at
        monkeypatch.setattr(socket, "heard_at", heard - 25)
        bed.node.server.keep_alive()

        async def ponged() -> None:
            assert socket.heard_at >= heard

        await eventually(ponged)
        monkeypatch.setattr(socket, "heard_at", heard - 40)
        bed.node.server.keep_alive()
        assert await closed(wire) == 1006
