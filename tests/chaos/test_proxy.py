"""The fault proxy, between a WebSocket client and an echoing server."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidMessage

from tests.chaos.frames import FrameSplitter
from tests.chaos.proxy import FaultProxy, Way

_SOON, _NOT_YET = 30.0, 0.2


async def _echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


@asynccontextmanager
async def _through_proxy() -> AsyncIterator[tuple[FaultProxy, ClientConnection]]:
    async with serve(_echo, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with (
            FaultProxy([port], choose=random.Random(1)) as proxy,
            connect(f"ws://127.0.0.1:{proxy.port}", compression=None, close_timeout=1) as client,
        ):
            yield proxy, client


async def _answer(client: ClientConnection, message: str, within: float = _SOON) -> str | bytes:
    await client.send(message)
    async with asyncio.timeout(within):
        return await client.recv()


async def test_it_carries() -> None:
    async with _through_proxy() as (_, client):
        assert await _answer(client, "hello") == "hello"
        long = "x" * 70_000
        assert await _answer(client, long) == long


async def test_it_cuts() -> None:
    async with _through_proxy() as (proxy, client):
        await _answer(client, "hello")
        proxy.cut()
        with pytest.raises(ConnectionClosed):
            await _answer(client, "again")


async def test_a_dark_one_refuses_until_it_has_light_again() -> None:
    async with _through_proxy() as (proxy, client):
        await _answer(client, "hello")
        proxy.darken()
        with pytest.raises(ConnectionClosed):
            await _answer(client, "again")
        proxy.heal()
        with pytest.raises((OSError, InvalidMessage)):
            await connect(f"ws://127.0.0.1:{proxy.port}", proxy=None)
        proxy.relight()
        async with connect(f"ws://127.0.0.1:{proxy.port}", compression=None) as later:
            assert await _answer(later, "hello") == "hello"


async def test_a_black_hole_keeps_what_it_swallows_until_it_heals() -> None:
    async with _through_proxy() as (proxy, client):
        proxy.swallow()
        with pytest.raises(TimeoutError):
            await _answer(client, "hello", within=_NOT_YET)
        proxy.heal()
        async with asyncio.timeout(_SOON):
            assert await client.recv() == "hello"


async def test_it_delays() -> None:
    async with _through_proxy() as (proxy, client):
        proxy.delay = 2 * _NOT_YET
        with pytest.raises(TimeoutError):
            await _answer(client, "hello", within=_NOT_YET)
        async with asyncio.timeout(_SOON):
            assert await client.recv() == "hello"


@pytest.mark.parametrize("way", list(Way))
async def test_it_loses_the_nth_frame(way: Way) -> None:
    async with _through_proxy() as (proxy, client):
        proxy.drop(way, 2)
        for message in ("first", "second", "third"):
            await client.send(message)
        async with asyncio.timeout(_SOON):
            assert [await client.recv(), await client.recv()] == ["first", "third"]
        assert proxy.dropped == 1


async def test_a_half_closed_link_still_carries_the_other_way() -> None:
    async with _through_proxy() as (proxy, client):
        await _answer(client, "hello")
        proxy.half_close(Way.DOWN)  # the client reads an end
        with pytest.raises(ConnectionClosed):
            await _answer(client, "again")


def test_frames_are_cut_out_of_whatever_pieces_come() -> None:
    handshake = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    short, long = b"\x81\x02hi", b"\x81\x7e\x01\x00" + bytes(256)
    masked = b"\x81\x82" + bytes(4) + b"ab"
    stream = handshake + short + long + masked
    for size in (1, 3, 50, len(stream)):
        splitter = FrameSplitter()
        pieces = [
            piece
            for start in range(0, len(stream), size)
            for piece in splitter.feed(stream[start : start + size])
        ]
        assert pieces == [handshake, short, long, masked]
        assert splitter.frames == 3
