"""Bytes as an attacker sends them: no library stands between it and the socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from websockets.frames import Frame, Opcode

from tests.attack.attacker import Tally, Target

BLOCK: Final = 64 * 1024
ELSEWHERE: Final = "127.0.0.66"
"""An address of the loopback interface from which nobody honest comes."""
PROXY: Final = "127.0.0.99"
"""That of the proxy that the OCPP servers are told to believe."""
ALOOF: Final = "127.0.0.67"
"""Another one, from which nobody has flooded: what an address is given is whole."""
HOSTILE: Final = 6
"""Charge points that each attacker has of its own."""
_HANDSHAKE_SECONDS: Final = 30.0
_READ: Final = 1 << 20


def request(identity: str, *, forwarded: str | None = None) -> bytes:
    """Return the opening handshake of a charge point, as a proxy hands it on for that address."""
    forwarding = "" if forwarded is None else f"X-Forwarded-For: {forwarded}\r\n"
    return (
        f"GET /{identity} HTTP/1.1\r\nHost: x\r\n{forwarding}"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    ).encode()


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a masked frame."""
    return Frame(opcode, data, fin).serialize(mask=True)


def block(*frames: bytes) -> tuple[bytes, int]:
    """Repeat frames until they fill a block; return it, and how many frames it has."""
    once = b"".join(frames)
    times = max(1, BLOCK // len(once))
    return once * times, times * len(frames)


@asynccontextmanager
async def dialled(
    target: Target, source: str | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection to the OCPP server, from that address of the loopback interface."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        target.ocpp_port,
        limit=_READ,
        local_addr=None if source is None else (source, 0),
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def flood(
    target: Target,
    tally: Tally,
    frames: tuple[bytes, int],
    *,
    links: int = 3,
    first: bytes = b"",
    pipelined: bytes = b"",
    reads: bool = True,
) -> None:
    """Send a block of frames for ever on some links, each dialled again when it is ended.

    ``pipelined`` goes with the request, ``first`` once behind its answer. One that does not read
    leaves the answers to the network.
    """
    async with asyncio.TaskGroup() as group:
        for identity in target.identities[:links]:
            group.create_task(
                _flood_on(target, tally, identity, frames, first, pipelined, reads=reads)
            )


async def _flood_on(
    target: Target,
    tally: Tally,
    identity: str,
    frames: tuple[bytes, int],
    first: bytes,
    pipelined: bytes,
    *,
    reads: bool,
) -> None:
    data, number = frames
    while True:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with dialled(target) as (reader, writer):
                writer.write(request(identity) + pipelined)
                async with asyncio.timeout(_HANDSHAKE_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                if b" 101 " not in head[:20]:
                    tally.lost()
                    await asyncio.sleep(0.05)
                    continue
                reading = asyncio.create_task(_read(reader, writer)) if reads else None
                if not reads:
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(first)
                try:
                    while not writer.transport.is_closing():
                        writer.write(data)
                        await writer.drain()
                        await asyncio.sleep(0)
                        tally.did(number)
                finally:
                    if reading is not None:
                        reading.cancel()
        tally.lost()
        await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(_READ):
        pass
    writer.transport.abort()
