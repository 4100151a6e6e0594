"""Turns of the engine's rounds: reconciling, dispatching."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How long one worker goes on with its rounds; the last one is finished."""

    lasts: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class TurnDone:
    """What came of it; one that another worker had to take over counts that worker's rounds."""

    rounds: int
