"""(c) Pings, each of which is answered."""

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links."""
    await wire.flood(target, tally, wire.block(wire.frame(Opcode.PING)))


ATTACKER = Attacker(
    name="pings",
    about="three sockets that send pings without end",
    unit="frames",
    attack=attack,
)
