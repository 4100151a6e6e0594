"""Requests to the API whose headers do not end: 189 MiB of them took 2.5 GB once."""

import asyncio
from contextlib import suppress

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_SOCKETS = 3
_HEADERS = b"X-Much: x\r\n" * (wire.BLOCK // 11)


async def attack(target: Target, tally: Tally) -> None:
    """Send header upon header on a few sockets, each dialled again when it is closed."""

    async def headers() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", target.api_port, local_addr=(wire.ELSEWHERE, 0)
                )
                try:
                    tally.did()
                    writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
                    while not writer.transport.is_closing():
                        writer.write(_HEADERS)
                        await writer.drain()
                        await asyncio.sleep(0)
                finally:
                    writer.transport.abort()
            tally.lost()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(_SOCKETS):
            group.create_task(headers())


ATTACKER = Attacker(
    name="api-headers",
    about="three requests to the API whose headers never end",
    unit="requests",
    attack=attack,
)
