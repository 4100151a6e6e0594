"""Odd frames that are dear to read, few and within the rate, each batch over a new link."""

import asyncio
from typing import Final

from websockets.frames import Opcode

from bench.fleet import STAMP
from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_MOST: Final = 64 * 1024
_FRAMES: Final = 8
"""On a link: with their bytes they are within what may come at once."""
_ANSWER_SECONDS: Final = 30.0
_LINKS: Final = 3


def _filled(head: str, element: str, tail: str) -> bytes:
    """Return a frame of 64 KiB: as many elements as it takes."""
    times = (_MOST - len(head) - len(tail)) // (len(element) + 1)
    return (head + ",".join([element] * times) + tail).encode()


def _unknown(number: int) -> bytes:
    """Return a heartbeat with 49 fields that no standard knows, a hint of a secret, and a list."""
    fields = ",".join(f'"f{number}_{one}":0' for one in range(49))
    return _filled(f'[2,"1","Heartbeat",{{"key":0,{fields},"x":[', "{}", "]}]")


def _empty_samples() -> bytes:
    head = f'[2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{STAMP}",'
    return _filled(f'{head}"sampledValue":[', "{}", "]}]}]")


async def attack(target: Target, tally: Tally) -> None:
    """Send a few on each of three links, and dial anew."""
    async with asyncio.TaskGroup() as group:
        for identity in target.identities[:_LINKS]:
            group.create_task(_attack_as(target, tally, identity))


async def _attack_as(target: Target, tally: Tally, identity: str) -> None:
    number = 0
    while True:
        number += 1
        odd = [_unknown(number), _empty_samples()] * (_FRAMES // 2)
        try:
            async with wire.dialled(target) as (reader, writer), asyncio.timeout(_ANSWER_SECONDS):
                writer.write(wire.request(identity))
                head = await reader.readuntil(b"\r\n\r\n")
                for one in odd if b" 101 " in head[:20] else ():
                    writer.write(wire.frame(Opcode.TEXT, one))
                    if not await reader.read(_MOST):
                        tally.lost()
                        break
                    tally.did()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            tally.lost()
        await asyncio.sleep(0.2)


ATTACKER = Attacker(
    name="odd-frames",
    about="three sockets that send odd frames of 64 KiB within the rate, over new links",
    unit="frames",
    attack=attack,
)
