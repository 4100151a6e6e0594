"""(b) Frames that come together with the request, before there is anybody to count them."""

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_CALL = wire.frame(Opcode.TEXT, b'[2,"1","Heartbeat",{}]')
_PIPELINED = 300


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links, each begun with as many frames as a first read brings."""
    await wire.flood(target, tally, wire.block(_CALL), pipelined=_CALL * _PIPELINED)


ATTACKER = Attacker(
    name="pipelined",
    about=f"three sockets with {_PIPELINED} calls in their request, and calls without end",
    unit="frames",
    attack=attack,
)
