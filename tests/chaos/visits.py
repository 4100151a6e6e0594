"""Who comes to a charge point of the site, and when: the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_PAUSE = (0.5, 3.0)
_STAY = (1.0, 10.0)
_DARK_AFTERWARDS = (0.0, 4.0)


class Dark(StrEnum):
    """When the link of the charge point is gone."""

    NEVER = "never dark"
    ARRIVES = "dark at the arrival"
    LEAVES = "dark at the departure"
    ALL = "dark throughout"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A vehicle, in seconds: it comes after ``pause``, and stays.

    Where it leaves a charge point that is dark, that gets its link back ``dark_afterwards``.
    """

    pause: float
    stay: float
    dark: Dark
    dark_afterwards: float


def visits(seed: int, charger: int) -> Iterator[Visit]:
    """Draw the visits of one charge point, without an end."""
    draw = random.Random(f"{seed}/visits/{charger}")
    often = [Dark.NEVER] * 3
    while True:
        yield Visit(
            pause=draw.uniform(*_PAUSE),
            stay=draw.uniform(*_STAY),
            dark=draw.choice([*often, *Dark]),
            dark_afterwards=draw.uniform(*_DARK_AFTERWARDS),
        )
