"""Id tags, tried out as fast as they are answered: one of thirty-two would be right."""

import asyncio
import json
from contextlib import suppress

from websockets.frames import Opcode

from ocpp_server.throttle import MOST
from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.wire import HOSTILE, dialled, frame, request

_OF = 32
_A_LINK = 8
_PATIENCE = 30.0
_ANSWER = b'[3,"guess '


async def attack(target: Target, tally: Tally) -> None:
    """Ask for eight at once on a link, and for the next ones on another as soon as one waits."""

    async def guesses(identity: str) -> None:
        first = 0
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with dialled(target) as (reader, writer):
                    writer.write(request(identity))
                    await reader.readuntil(b"\r\n\r\n")
                    for number in range(first, first + _A_LINK):
                        writer.write(frame(Opcode.TEXT, _guess(number)))
                    async with asyncio.timeout(_PATIENCE):
                        for _ in range(_A_LINK):
                            await reader.readuntil(_ANSWER)
                            tally.did()
            tally.lost()
            first = (first + _A_LINK) % _OF

    async with asyncio.TaskGroup() as group:
        for identity in target.identities:
            group.create_task(guesses(identity))


def _guess(number: int) -> bytes:
    return json.dumps(
        [2, f"guess {number}", "Authorize", {"idTag": f"04A2C7{number:02X}"}]
    ).encode()


def _most(seconds: float) -> int:
    """Five at once on each of its charge points, and one in two seconds from then on."""
    return HOSTILE * (MOST + int(seconds / 2))


ATTACKER = Attacker(
    name="tags",
    about="one id tag after the other on its own charge points, over new links",
    unit="guesses",
    attack=attack,
    enough=HOSTILE * MOST,
    most=_most,
)
