"""HTTP sockets to the API that ask for large answers, and never read them."""

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.attackers.half_open import hold_open

_ASKS = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, each dialled again when it is closed."""
    await hold_open(target.api_port, tally, wire.ELSEWHERE, beginning=_ASKS, reads=False)


ATTACKER = Attacker(
    name="api-slow-readers",
    about="3,000 sockets to the API that never read their answers",
    unit="sockets",
    attack=attack,
)
