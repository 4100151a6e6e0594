"""(f) Messages in fragments without a byte in them."""

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links, each with one message that never ends."""
    await wire.flood(
        target,
        tally,
        wire.block(wire.frame(Opcode.CONT, fin=False)),
        first=wire.frame(Opcode.TEXT, fin=False),
    )


ATTACKER = Attacker(
    name="fragments",
    about="three sockets that send empty fragments of one message",
    unit="frames",
    attack=attack,
)
