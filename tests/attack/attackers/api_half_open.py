"""HTTP sockets to the API that begin a request, and never finish it."""

from api.protocol.connection import HEAD_BYTES
from tests.attack import wire
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.attackers.half_open import hold_open

_BEGINNING = b"GET / HTTP/1.1\r\nHost:".ljust(HEAD_BYTES, b"x")


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, each dialled again when it is closed."""
    await hold_open(target.api_port, tally, wire.ELSEWHERE, beginning=_BEGINNING)


ATTACKER = Attacker(
    name="api-half-open",
    about="3,000 sockets to the API that never finish a request of the longest there may be",
    unit="sockets",
    attack=attack,
    api_budget=96 * MEBIBYTE,
)
