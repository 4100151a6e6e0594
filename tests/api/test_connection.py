"""A connection to the API over a raw socket: heads that are too long, and that do not come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from api.protocol import connection
from api.protocol.connection import HEAD_BYTES
from tests.api.serving import served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WITHIN = 10.0
HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Socket]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
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
            while not reader.at_eof() and sent < 100 * HEAD_BYTES:
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
