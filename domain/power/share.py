"""Who gets how much of the site's current: max-min fair, six amperes or a pause.

The result depends on nothing but its arguments, and not on their order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.power.site import MIN_AMPS, Circuit

BayKey = tuple[str, int]
"""Charge point id and connector."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """A connector with a transaction that can be told what to draw.

    ``max_amps`` is what its hardware can draw at most. Of those who cannot all charge at once, the
    ones ``in_turn`` (they charge, and their turn is not over) come first, then who was granted
    least on average since its transaction began. ``idle`` is a vehicle that draws nothing by
    itself: it comes last, and gets what lets it resume.
    """

    bay: BayKey
    circuits: frozenset[Circuit]
    max_amps: int
    average_amps: float = 0.0
    waiting_since: float = 0.0
    in_turn: bool = False
    idle: bool = False

    @property
    def ceiling(self) -> int:
        """The most that is of any use to it, in whole amperes."""
        return min(self.max_amps, MIN_AMPS) if self.idle else self.max_amps

    @property
    def rank(self) -> tuple[bool, bool, float, float, BayKey]:
        """Who is served first has the lowest."""
        return self.idle, not self.in_turn, self.average_amps, self.waiting_since, self.bay


def share(
    capacity: Mapping[Circuit, float],
    demands: Collection[Demand],
    reserved: Mapping[Circuit, float],
) -> dict[BayKey, int]:
    """Allot whole amperes to each connector: none, or at least :data:`MIN_AMPS`.

    ``capacity`` is what a circuit carries (one that is not named: anything), ``reserved`` what
    others may draw of it whatever is decided here (charge points that cannot be reached). Nobody's
    allotment can be raised without lowering that of somebody who has no more.
    """
    ranked = sorted(demands, key=lambda demand: demand.rank)
    left = {circuit: amps - reserved.get(circuit, 0.0) for circuit, amps in capacity.items()}
    allotted: dict[BayKey, int] = {}
    charging: list[Demand] = []
    for demand in ranked:
        charges = demand.ceiling >= MIN_AMPS and _fits(left, demand, MIN_AMPS)
        allotted[demand.bay] = MIN_AMPS if charges else 0
        if charges:
            charging.append(demand)
            _take(left, demand, MIN_AMPS)
    while charging:  # an ampere each, as long as there is one for somebody
        charging = [
            demand
            for demand in charging
            if allotted[demand.bay] < demand.ceiling and _fits(left, demand, 1)
        ]
        for demand in charging:
            if _fits(left, demand, 1):
                allotted[demand.bay] += 1
                _take(left, demand, 1)
    return allotted


def _fits(left: Mapping[Circuit, float], demand: Demand, amps: int) -> bool:
    return all(left[circuit] >= amps for circuit in demand.circuits if circuit in left)


def _take(left: dict[Circuit, float], demand: Demand, amps: int) -> None:
    for circuit in demand.circuits:
        if circuit in left:
            left[circuit] -= amps
