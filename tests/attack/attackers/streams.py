"""Streams of events of one account, as many as can be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from api.live.seats import OF_AN_ACCOUNT
from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.beside import tried

if TYPE_CHECKING:
    from tests.attack.stage import Stage

_STREAMS = 10_000
_AT_ONCE = 20
_PAUSE = 0.3
_PATIENCE = 10.0


async def attack(target: Target, tally: Tally) -> None:
    """Open ten thousand and hold what is given; what is refused or closed is opened again."""
    opening = asyncio.Semaphore(_AT_ONCE)
    paths = [f"commissioning/{identity}" for identity in target.identities]
    paths.append(f"projects/{target.project_id}")

    async def stream(number: int) -> None:
        path = paths[number % len(paths)]
        head = (
            f"GET /api/v1/installer/{path}/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: Bearer {target.token}\r\n\r\n"
        ).encode()
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await opening.acquire()
                is_opening = True
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", target.api_port, local_addr=(wire.ELSEWHERE, 0)
                )
                try:
                    writer.write(head)
                    answer = await reader.readuntil(b"\r\n\r\n")
                    opening.release()
                    is_opening = False
                    if b" 200 " in answer[:20]:
                        tally.did()
                    while await reader.read(wire.BLOCK):
                        pass
                finally:
                    writer.transport.abort()
                    if is_opening:
                        opening.release()
            tally.lost()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(_STREAMS):
            group.create_task(stream(number))


@asynccontextmanager
async def judge(stage: "Stage") -> AsyncIterator[list[str]]:
    """Have the installer follow her project now and then: she finds a place each time."""
    async with stage.as_installer(_PATIENCE) as http:

        async def follow() -> str | None:
            async with http.stream("GET", f"/projects/{stage.project_id}/events") as told:
                if not told.is_success:
                    return str(told.status_code)
                return None if await anext(told.aiter_lines(), None) else "it ended"

        async with tried("stream", follow, pause=_PAUSE) as broken:
            yield broken


ATTACKER = Attacker(
    name="streams",
    about=f"one account that opens {_STREAMS:,} streams",
    unit="streams",
    attack=attack,
    enough=OF_AN_ACCOUNT,
    judge=judge,
)
