"""A connection to the API over a raw socket: heads that are too long, and that do not come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI

from api.protocol import connection
from api.protocol.connection import HEAD_BYTES, HEADERS, BoundedProtocol
from tests.api.serving import running, served
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WITHIN = 30.0
HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(url: str, *, address: str = "127.0.0.1") -> AsyncIterator[Socket]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port, local_addr=(address, 0)
    )
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer, head and body."""
    async with asyncio.timeout(WITHIN):
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return head + await reader.readexactly(length)


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed."""
    async with asyncio.timeout(WITHIN):
        with suppress(ConnectionError):
            while await reader.read(1 << 16):
                pass


async def test_a_head_that_does_not_end_is_refused(app: FastAPI) -> None:
    async with served(app) as url, connected(url) as (reader, writer):
        writer.write(HEAD)
        sent = 0
        with suppress(ConnectionError):
            while not writer.is_closing() and sent < 100 * HEAD_BYTES:
                writer.write(b"X-Much: " + b"x" * 1000 + b"\r\n")
                sent += 1010
                await writer.drain()
                await asyncio.sleep(0)  # the server has the same loop
        await ended(reader)
        assert sent < 100 * HEAD_BYTES
        async with connected(url) as (another, more):
            more.write(HEAD + b"X-Long: " + b"x" * (HEAD_BYTES - 1000) + b"\r\n\r\n")
            assert (await answer(another)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("beginning", [b"", HEAD[:3], HEAD])
async def test_a_head_that_does_not_come_is_not_waited_for(
    app: FastAPI, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
    async with served(app) as url, AsyncExitStack() as stack:
        half_open = [await stack.enter_async_context(connected(url)) for _ in range(20)]
        for _, writer in half_open:
            writer.write(beginning)
        for reader, _ in half_open:
            await ended(reader)


async def test_the_next_head_of_a_connection_is_not_waited_for_either(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(app) as url, connected(url) as (reader, writer):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
        writer.write(HEAD)
        await ended(reader)


async def test_requests_that_are_sent_together_are_each_answered(app: FastAPI) -> None:
    async with served(app) as url, connected(url) as (reader, writer):
        writer.write((HEAD + b"\r\n") * 5)
        for _ in range(5):
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "headers",
    [
        b"a:\r\n" * HEADERS,
        b"X-Much: " + b"x" * HEAD_BYTES + b"\r\n",
        b"X-Much: " + b"x" * HEAD_BYTES,  # and no end
    ],
)
async def test_a_head_of_too_many_headers_or_bytes_is_refused_in_one_piece_too(
    app: FastAPI, headers: bytes
) -> None:
    async with served(app) as url, connected(url) as (reader, writer):
        writer.write(HEAD + headers + b"\r\n")
        assert (await reader.read(1 << 16)).startswith(b"HTTP/1.1 431 ")
        await ended(reader)


async def test_as_many_headers_as_may_be_are_taken(app: FastAPI) -> None:
    async with served(app) as url, connected(url) as (reader, writer):
        writer.write(HEAD + b"a:\r\n" * (HEADERS - 1) + b"\r\n" + HEAD + b"\r\n")
        for _ in range(2):
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")


async def test_where_there_is_no_room_the_oldest_of_who_has_the_most_goes(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 4)
    async with served(app) as url, AsyncExitStack() as stack:
        honest, line = await stack.enter_async_context(connected(url, address="127.0.0.2"))
        line.write(HEAD + b"\r\n")
        assert (await answer(honest)).startswith(b"HTTP/1.1 200")
        idle = [await stack.enter_async_context(connected(url)) for _ in range(3)]
        for number in range(5):  # with bodies that do not come
            reader, writer = await stack.enter_async_context(connected(url))
            writer.write(b"POST /api/v1/installer/login HTTP/1.1\r\nHost: x\r\n")
            writer.write(b"Content-Length: 9\r\nContent-Type: application/json\r\n\r\n")
            idle.append((reader, writer))
            await ended(idle[number][0])
        line.write(HEAD + b"\r\n")
        assert (await answer(honest)).startswith(b"HTTP/1.1 200")


async def test_an_answer_that_is_not_read_is_given_up(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TAKEN_SECONDS", 0.05)

    def there_are(server: uvicorn.Server, number: int) -> None:
        assert len(server.server_state.connections) == number

    async with running(app) as (url, server), connected(url) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        await eventually(lambda: there_are(server, 1))
        await eventually(lambda: there_are(server, 0))


async def test_where_answers_that_nobody_reads_take_all_the_room_they_give_way(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 4)

    def all_wait(server: uvicorn.Server) -> None:
        there = [one.gives_way[0] for one in server.server_state.connections]  # type: ignore[union-attr]
        assert there == [1] * 4

    async with running(app) as (url, server), AsyncExitStack() as stack:
        for _ in range(4):
            _, writer = await stack.enter_async_context(connected(url))
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        await eventually(lambda: all_wait(server))
        honest, line = await stack.enter_async_context(connected(url, address="127.0.0.2"))
        line.write(HEAD + b"\r\n")
        assert (await answer(honest)).startswith(b"HTTP/1.1 200")


async def test_what_is_missing_of_a_body_that_was_refused_is_not_waited_for(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    async with served(app) as url, connected(url) as (reader, writer):
        writer.write(b"POST /api/v1/installer/login HTTP/1.1\r\nHost: x\r\n")
        writer.write(b"Content-Length: 99999999\r\n\r\n")
        assert b" 413 " in await answer(reader)
        with suppress(ConnectionError):
            while not reader.at_eof() and not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.wait({asyncio.ensure_future(reader.read(1))}, timeout=0.01)
