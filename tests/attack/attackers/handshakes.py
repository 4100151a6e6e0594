"""(e) Handshakes, as many as can be: of ids that are known, and of some that are not."""

import asyncio
import itertools
from contextlib import suppress

from tests.attack import wire
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target

_AT_ONCE = 200
_PATIENCE = 0.1
_ADDRESSES = 1 << 16


async def attack(target: Target, tally: Tally) -> None:
    """Dial, ask, and hang up a moment later, answered or not; two hundred at a time."""
    unknown = [f"cp_{number:026}" for number in range(len(target.identities))]
    paths = itertools.cycle([*target.identities, *unknown])
    addresses = (
        f"127.1.{number >> 8}.{number & 255}" for number in itertools.cycle(range(_ADDRESSES))
    )

    async def handshakes() -> None:
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with wire.dialled(target, next(addresses)) as (reader, writer):
                    writer.write(wire.request(next(paths)))
                    tally.did()
                    async with asyncio.timeout(_PATIENCE):
                        await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(handshakes())


ATTACKER = Attacker(
    name="handshakes",
    about="handshakes without end, 200 at a time, from many addresses; half of the ids are known",
    unit="handshakes",
    attack=attack,
    node_budget=64 * MEBIBYTE,
)
