"""(h) The same from the address of honest charge points: a whole car park is behind one."""

from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.attackers.half_open import hold_open


async def attack(target: Target, tally: Tally) -> None:
    """Keep three thousand open."""
    await hold_open(target.ocpp_port, tally, None)


ATTACKER = Attacker(
    name="half-open-neighbours",
    about="the same, from the address of the honest charge points",
    unit="sockets",
    attack=attack,
    node_budget=64 * MEBIBYTE,
)
