"""A pong that does not come is no death where other traffic flows."""

import asyncio
import json
from contextlib import suppress

import pytest
from websockets.frames import Frame, Opcode

from domain import operations as op
from ocpp_server.session import Session
from tests.ocpp_server.bed import Bed, Wire

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def without_pongs(wire: Wire, *, empty: bool = False) -> None:
    """Answer no ping from now on, or only with an empty pong."""
    send = wire.socket.protocol.send_frame

    def send_frame(frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG:
            send(frame)
        elif empty:
            send(Frame(Opcode.PONG, b""))

    wire.socket.protocol.send_frame = send_frame  # type: ignore[method-assign]


async def answer(wire: Wire, asked: list[str]) -> None:
    """Answer calls: whatever they are, with nothing."""
    async for text in wire.socket:
        frame = json.loads(text)
        if frame[0] == 2:
            asked.append(frame[2])
            await wire.socket.send(json.dumps([3, frame[1], {}]))


def session_of(bed: Bed) -> Session:
    session = bed.node.registry.get(bed.charge_point_id)
    assert session is not None
    return session


def long_ago(session: Session, *, probed: float, heard: float) -> None:
    """Let so many seconds have passed since the first ping, and since it was heard."""
    now = asyncio.get_running_loop().time()
    session.socket._probed_at, session.socket.heard_at = now - probed, now - heard


async def test_who_answers_no_ping_is_alive_while_it_is_heard(bed: Bed) -> None:
    async with bed.wire() as wire:
        without_pongs(wire)
        await wire.boot()
        session = session_of(bed)
        session.socket._has_ponged = False
        long_ago(session, probed=200, heard=100)
        assert session.socket.ignores_pings
        bed.node.server.keep_alive()
        await wire.sync()
        asked: list[str] = []
        answering = asyncio.create_task(answer(wire, asked))
        long_ago(session, probed=200, heard=100)
        measured = await bed.gateway.ping(op.Operation(charge_point_id=bed.charge_point_id))
        answering.cancel()
    assert asked == ["GetConfiguration"]
    assert measured.latency_ms > 0


async def test_even_who_ignores_pings_is_given_up_after_two_silent_intervals(bed: Bed) -> None:
    async with bed.wire() as wire:
        without_pongs(wire)
        await wire.boot()
        session = session_of(bed)
        session.socket._has_ponged = False
        long_ago(session, probed=900, heard=35 + 2 * 60 + 1)
        bed.node.server.keep_alive()
        with suppress(ConnectionError):
            await wire.socket.wait_closed()
    assert not session.socket.is_open


async def test_who_answers_pings_is_missed_after_45_seconds(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        session = session_of(bed)
        await session.ping()
        long_ago(session, probed=900, heard=36)
        bed.node.server.keep_alive()
        with suppress(ConnectionError):
            await wire.socket.wait_closed()
    assert not session.socket.is_open


async def test_an_empty_pong_is_a_pong(bed: Bed) -> None:
    async with bed.wire() as wire:
        without_pongs(wire, empty=True)
        await wire.boot()
        measured = await bed.gateway.ping(op.Operation(charge_point_id=bed.charge_point_id))
        assert not session_of(bed).socket.ignores_pings
    assert measured.latency_ms > 0
