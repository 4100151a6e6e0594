"""When a charge point connects all the time: two with one identity, or a link that breaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# More than any sequence of restarts that a commissioning asks for.
FLAPPING_CONNECTIONS: Final = 8
FLAPPING_WINDOW: Final = timedelta(minutes=10)
ARRIVALS_KEPT: Final = 12
_TWINS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One accepted connection."""

    at: datetime
    remote_address: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flapping:
    """The alarm: so many connections (:data:`ARRIVALS_KEPT` at most are counted) in ten minutes."""

    connections: int
    since: datetime
    remote_addresses: tuple[str, ...]

    @property
    def cause(self) -> str:
        """What is likely wrong, and what to do, for a person."""
        minutes = int(FLAPPING_WINDOW.total_seconds() // 60)
        count = f"{self.connections}{' or more' if self.connections == ARRIVALS_KEPT else ''}"
        told = f"It has connected {count} times within {minutes} minutes"
        if len(self.remote_addresses) == _TWINS:  # a mobile link that breaks has more of them
            places = " and ".join(self.remote_addresses)
            return (
                f"{told}, from {places}. Two charge points seem to use its OCPP endpoint and push "
                "each other out: give each its own."
            )
        return (
            f"{told}. Its network or its power supply does not hold, or a second charge point uses "
            "its OCPP endpoint: check the signal, and that each has its own."
        )


def judge_flapping(arrivals: Sequence[Arrival], now: datetime) -> Flapping | None:
    """Raise the alarm, or clear it: with nothing new for a while it is steady by itself."""
    recent = [arrival for arrival in arrivals if arrival.at > now - FLAPPING_WINDOW]
    if len(recent) < FLAPPING_CONNECTIONS:
        return None
    return Flapping(
        connections=len(recent),
        since=min(arrival.at for arrival in recent),
        remote_addresses=tuple(sorted({a.remote_address for a in recent if a.remote_address})),
    )
