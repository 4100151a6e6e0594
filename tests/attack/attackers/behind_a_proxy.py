"""A stranger behind the proxy that honest charge points come through, too."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Final

from tests.attack import wire
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.beside import tried
from tests.attack.stage import Stage

_HANDSHAKES: Final = 3_000
_HALF_OPEN: Final = 500
_HONEST: Final = "198.51.100.7"
_STRANGER: Final = "203.0.113.66"
_PATIENCE: Final = 30.0
_SERVED: Final = 2.0
_PAUSE: Final = 0.3


async def attack(target: Target, tally: Tally) -> None:
    """Ask for charge points that there are not, and wait for each refusal; say less elsewhere."""
    unknown = cycle(f"cp_{number:026}" for number in range(1_000))

    async def handshakes() -> None:
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with wire.dialled(target, wire.PROXY) as (reader, writer):
                    writer.write(wire.request(next(unknown), forwarded=_STRANGER))
                    tally.did()
                    async with asyncio.timeout(_PATIENCE):
                        await reader.readuntil(b"\r\n\r\n")
            tally.lost()
            await asyncio.sleep(0)

    async def half_open() -> None:
        while True:
            with suppress(OSError):
                async with wire.dialled(target, wire.PROXY) as (reader, writer):
                    writer.write(wire.request("x", forwarded=_STRANGER)[:-4])
                    tally.did()
                    await reader.read()
            tally.lost()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(_HANDSHAKES):
            group.create_task(handshakes())
        for _ in range(_HALF_OPEN):
            group.create_task(half_open())


@asynccontextmanager
async def judge(stage: Stage) -> AsyncIterator[list[str]]:
    """See that honest charge points are let in through the same proxy, each in two seconds."""
    target, *_ = next(iter(stage.hostile.values()))
    identities = cycle(stage.proxied)

    async def come() -> str | None:
        began = time.monotonic()
        async with asyncio.timeout(_PATIENCE), wire.dialled(target, wire.PROXY) as (reader, writer):
            writer.write(wire.request(next(identities), forwarded=_HONEST))
            head = await reader.readuntil(b"\r\n\r\n")
        took = time.monotonic() - began
        if b" 101 " in head[:20] and took <= _SERVED:
            return None
        return f"{head.splitlines()[0].decode()!r} after {took:.1f} s"

    async with tried("a charge point behind the proxy", come, pause=_PAUSE) as broken:
        yield broken


ATTACKER = Attacker(
    name="behind-a-proxy",
    about="3,000 refused handshakes and 500 half-open ones at a time, through the proxy of others",
    unit="connections",
    attack=attack,
    node_budget=64 * MEBIBYTE,
    judge=judge,
)
