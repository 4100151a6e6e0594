"""A stranger who has found out the ids of charge points without a key, and dials as them."""

import asyncio
import itertools
from contextlib import suppress

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_AT_ONCE = 50
_PATIENCE = 0.1
_BEYOND = 1_000  # of each of 21 charge points 20 come in at once, and 5 wait: the others must go


async def attack(target: Target, tally: Tally) -> None:
    """Connect as each of them in turn, and hang up a moment later, answered or not."""
    identities = itertools.cycle(target.victims)

    async def handshakes() -> None:
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with wire.dialled(target, wire.ELSEWHERE) as (reader, writer):
                    writer.write(wire.request(next(identities)))
                    tally.did()
                    async with asyncio.timeout(_PATIENCE):
                        await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(handshakes())


ATTACKER = Attacker(
    name="stranger-floods",
    about="handshakes without end, with the ids of the honest charge points, from one address",
    unit="handshakes",
    attack=attack,
    enough=_BEYOND,
)
