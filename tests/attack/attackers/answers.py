"""(a) Answers to what was never asked, which cost the charge point nothing."""

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links."""
    await wire.flood(target, tally, wire.block(wire.frame(Opcode.TEXT, b'[3,"x",{}]')))


ATTACKER = Attacker(
    name="answers",
    about='three sockets that send [3,"x",{}]',
    unit="frames",
    attack=attack,
)
