"""What is done to whom, and when: the same for the same seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_BETWEEN_KILLS = (2.0, 5.0)
_DOWN = (0.1, 3.0)
_BETWEEN_DISTURBANCES = (0.3, 1.5)
_DISTURBED = (0.5, 8.0)
_HANDOVER = (2.0, 5.0)
_KILLS_AT_HANDOVER = 2
_AFTER_HANDOVER = (0.0, 1.0)


class Part(StrEnum):
    """What is killed."""

    API = "api"
    WORKER = "worker"
    NODE_1 = "ocpp-1"
    NODE_2 = "ocpp-2"
    TEMPORAL = "temporal"
    POSTGRESQL = "postgresql"


class LinkFault(StrEnum):
    """What is done to a charge point's link."""

    DELAY = "delay"
    CUT = "cut"
    BLACK_HOLE = "black hole"
    HALF_CLOSE_UP = "half-close up"
    HALF_CLOSE_DOWN = "half-close down"
    DROP_UP = "drop a frame up"
    DROP_DOWN = "drop a frame down"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """SIGKILL, and a start after ``down`` seconds."""

    at: float
    part: Part
    down: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Disturbance:
    """A fault of one charge point's link, healed after ``seconds``; ``nth`` is the frame lost."""

    at: float
    charger: int
    fault: LinkFault
    seconds: float
    nth: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """All that is done; ``handover`` is when the site is handed over."""

    handover: float
    kills: tuple[Kill, ...]
    disturbances: tuple[Disturbance, ...]


def make_schedule(seed: int, *, seconds: float, chargers: int, site: int = 0) -> Schedule:
    """Draw the schedule; the ``site`` charge points that are handed over have the last numbers."""
    draw = random.Random(seed)
    parts: Sequence[Part] = list(Part)
    kills = []
    at = draw.uniform(*_BETWEEN_KILLS)
    while at < seconds:
        kills.append(Kill(at=at, part=draw.choice(parts), down=draw.uniform(*_DOWN)))
        at += draw.uniform(*_BETWEEN_KILLS)
    disturbances = []
    at = draw.uniform(*_BETWEEN_DISTURBANCES)
    while at < seconds:
        disturbances.append(
            Disturbance(
                at=at,
                charger=draw.randrange(chargers + site),
                fault=draw.choice(list(LinkFault)),
                seconds=draw.uniform(*_DISTURBED),
                nth=draw.randint(1, 5),
            )
        )
        at += draw.uniform(*_BETWEEN_DISTURBANCES)
    handover = draw.uniform(*_HANDOVER)
    if site:
        kills += [
            Kill(
                at=handover + draw.uniform(*_AFTER_HANDOVER),
                part=draw.choice(parts),
                down=draw.uniform(*_DOWN),
            )
            for _ in range(_KILLS_AT_HANDOVER)
        ]
    return Schedule(handover=handover, kills=tuple(kills), disturbances=tuple(disturbances))
