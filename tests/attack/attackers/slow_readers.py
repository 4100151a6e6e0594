"""(g) Sockets that ask, and never read an answer."""

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links, and leave all that comes back to the network."""
    calls = wire.block(wire.frame(Opcode.TEXT, b'[2,"' + b"x" * 36 + b'","Heartbeat",{}]'))
    await wire.flood(target, tally, calls, reads=False)


ATTACKER = Attacker(
    name="slow-readers",
    about="three sockets that ask without end, and read nothing",
    unit="frames",
    attack=attack,
)
