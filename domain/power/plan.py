"""From what connectors may draw now to what they shall draw: down first, then up.

The ``bound`` of a connector is the most that it may be drawing as far as anybody knows: the last
limit that it confirmed, or the higher of that and one it was sent without an answer. The sum of the
bounds stays within each circuit's capacity whatever is answered, and in whatever order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.power.share import BayKey
from domain.power.site import Circuit


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlet:
    """A connector, and the most that it may draw now, in amperes per phase.

    ``unsure``: it may have forgotten its limit (it has restarted), so that it is told again.
    """

    bay: BayKey
    circuits: frozenset[Circuit]
    bound: float
    unsure: bool = False


def load(outlets: Iterable[Outlet]) -> dict[Circuit, float]:
    """The most that may be drawn now, by circuit."""
    total: defaultdict[Circuit, float] = defaultdict(float)
    for outlet in outlets:
        for circuit in outlet.circuits:
            total[circuit] += outlet.bound
    return dict(total)


def lower(outlets: Iterable[Outlet], targets: Mapping[BayKey, int]) -> dict[BayKey, int]:
    """Limits that raise nothing: safe at any time."""
    return {
        outlet.bay: targets[outlet.bay]
        for outlet in outlets
        if outlet.bay in targets
        and (
            targets[outlet.bay] < outlet.bound
            or (outlet.unsure and targets[outlet.bay] == outlet.bound)
        )
    }


def higher(
    capacity: Mapping[Circuit, float], outlets: Iterable[Outlet], targets: Mapping[BayKey, int]
) -> dict[BayKey, int]:
    """Limits that raise what a connector may draw, as many as fit beside every bound of now.

    Should a lowering have been refused, some wait; none is raised in part.
    """
    in_order = sorted(outlets, key=lambda outlet: (targets.get(outlet.bay, 0), outlet.bay))
    total = load(in_order)
    raised: dict[BayKey, int] = {}
    for outlet in in_order:
        target = targets.get(outlet.bay)
        if target is None or target <= outlet.bound:
            continue
        more = target - outlet.bound
        room = all(
            total[circuit] + more <= capacity[circuit]
            for circuit in outlet.circuits
            if circuit in capacity
        )
        if room:
            raised[outlet.bay] = target
            for circuit in outlet.circuits:
                total[circuit] += more
    return raised
