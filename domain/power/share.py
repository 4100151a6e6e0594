"""Who gets how much of the site's current: max-min fair, enough to charge or a pause.

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

    ``max_amps`` is what its hardware can draw at most, ``least`` what it needs to charge at all.
    Of those who cannot all charge at once, the ones ``in_turn`` (they charge, and their turn is
    not over) come first, then who has waited longest, then who charges, the last to begin first.
    Who waits begins before all that came later, even if it needs more. ``since`` is when it began
    to charge or to wait, in seconds. ``idle`` is a vehicle that draws nothing by itself: it comes
    last, and gets what lets it resume. Who is ``kept`` cannot be paused, and has what it needs at
    any time, whoever waits: that is set aside for it before it begins.
    """

    bay: BayKey
    circuits: frozenset[Circuit]
    max_amps: int
    least: int = MIN_AMPS
    since: float = 0.0
    charges: bool = False
    in_turn: bool = False
    idle: bool = False
    kept: bool = False

    @property
    def ceiling(self) -> int:
        """The most that is of any use to it, in whole amperes."""
        return min(self.max_amps, self.least) if self.idle else self.max_amps

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, float, BayKey]:
        """Who is served first has the lowest."""
        waited = -self.since if self.charges else self.since
        return not self.kept, self.idle, not self.in_turn, self.charges, waited, self.bay


def share(
    capacity: Mapping[Circuit, float],
    demands: Collection[Demand],
    reserved: Mapping[Circuit, float],
) -> dict[BayKey, int]:
    """Allot whole amperes to each connector: none, or at least what it needs.

    ``capacity`` is what a circuit carries (one that is not named: anything), ``reserved`` what
    others may draw of it whatever is decided here (charge points that cannot be reached). Nobody's
    allotment can be raised without lowering that of somebody who has no more.
    """
    ranked = sorted(demands, key=lambda demand: demand.rank)
    left = {circuit: amps - reserved.get(circuit, 0.0) for circuit, amps in capacity.items()}
    there = dict(left)
    allotted: dict[BayKey, int] = {}
    charging: list[Demand] = []
    held: set[Circuit] = set()
    for demand in ranked:
        useful = demand.ceiling >= demand.least
        may_begin = demand.charges or held.isdisjoint(demand.circuits)
        charges = demand.kept or (useful and may_begin and _fits(left, demand, demand.least))
        allotted[demand.bay] = demand.least if charges else 0
        if charges:
            charging.append(demand)
            _take(left, demand, demand.least)
            if demand.kept:  # nobody's turn ends there
                _take(there, demand, demand.least)
        elif useful and not demand.idle and _fits(there, demand, demand.least):
            # Whoever needs less, and came later, would begin a turn each time that one ends.
            cable = frozenset({demand.bay[0]})
            held |= cable if _tight(left, demand) <= cable else demand.circuits
    while charging:  # an ampere for each of those who have least, as long as there is one
        charging = [
            demand
            for demand in charging
            if allotted[demand.bay] < demand.ceiling and _fits(left, demand, 1)
        ]
        lowest = min((allotted[demand.bay] for demand in charging), default=0)
        for demand in charging:
            if allotted[demand.bay] == lowest and _fits(left, demand, 1):
                allotted[demand.bay] += 1
                _take(left, demand, 1)
    return allotted


def _fits(left: Mapping[Circuit, float], demand: Demand, amps: int) -> bool:
    return all(left[circuit] >= amps for circuit in demand.circuits if circuit in left)


def _tight(left: Mapping[Circuit, float], demand: Demand) -> frozenset[Circuit]:
    """Where there is not enough for it."""
    return frozenset(
        circuit for circuit in demand.circuits if circuit in left and left[circuit] < demand.least
    )


def _take(left: dict[Circuit, float], demand: Demand, amps: int) -> None:
    for circuit in demand.circuits:
        if circuit in left:
            left[circuit] -= amps
