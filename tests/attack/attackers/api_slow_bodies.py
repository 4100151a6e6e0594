"""Requests to the API whose bodies are announced, begun, and not sent."""

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.attackers.half_open import hold_open

_SOCKETS = 1_000
_ANNOUNCED = 1_000_000


async def attack(target: Target, tally: Tally) -> None:
    """Keep so many open, with a login that is anybody's and a body that is nearly there."""
    head = (
        "POST /api/v1/installer/charge-points HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {target.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {_ANNOUNCED}\r\n\r\n"
    ).encode()
    beginning = head + b" " * (_ANNOUNCED - 1)
    await hold_open(target.api_port, tally, wire.ELSEWHERE, sockets=_SOCKETS, beginning=beginning)


ATTACKER = Attacker(
    name="api-slow-bodies",
    about=f"{_SOCKETS:,} bodies to the API that stop before their end",
    unit="requests",
    attack=attack,
    api_budget=256 * (1 << 20),
)
