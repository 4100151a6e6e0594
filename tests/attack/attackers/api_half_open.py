"""HTTP sockets to the API that begin a request, and never finish it."""

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.attackers.half_open import hold_open

_BEGINNING = b"GET / HTTP/1.1\r\nHost:".ljust(15_000, b"x")  # h11 takes 16 KiB


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, each dialled again when it is closed."""
    await hold_open(target.api_port, tally, wire.ELSEWHERE, beginning=_BEGINNING)


ATTACKER = Attacker(
    name="api-half-open",
    about="3,000 sockets to the API that never finish their request",
    unit="sockets",
    attack=attack,
)
