"""From what connectors may draw now to what they shall draw: down first, then up.

The ``bound`` of a connector is the most that it may be drawing as far as anybody knows: the last
limit that it confirmed, or the higher of that and one it was sent without an answer. The sum of the
bounds stays within each circuit's capacity whatever is answered, and in whatever order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from domain.power.share import BayKey
from domain.power.site import Circuit


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlet:
    """A connector, and the most that it may draw now, in amperes per phase.

    ``most`` is what all of its charge point may draw: what their cable carries. ``unsure``: it may
    have forgotten its limit (it has restarted), so that it is told again.
    """

    bay: BayKey
    circuits: frozenset[Circuit]
    bound: float
    most: float = inf
    unsure: bool = False


class _Drawn:
    """The most that may be drawn, by circuit.

    No charge point takes more of the supply than its cable carries: its breaker sees to that. The
    cable itself counts in full, for no breaker shall have to.
    """

    def __init__(self, outlets: Iterable[Outlet]) -> None:
        self.total: defaultdict[Circuit, float] = defaultdict(float)
        self._stations: defaultdict[str, float] = defaultdict(float)
        for outlet in outlets:
            self.take(outlet, outlet.bound)

    def more(self, outlet: Outlet, amps: float) -> dict[Circuit, float]:
        """What each of its circuits would carry more if the connector drew so much more."""
        station = outlet.bay[0]
        before = self._stations[station]
        of_supply = min(before + amps, outlet.most) - min(before, outlet.most)
        return {one: amps if one == station else of_supply for one in outlet.circuits}

    def take(self, outlet: Outlet, amps: float) -> None:
        """Let a connector draw so much more."""
        for circuit, more in self.more(outlet, amps).items():
            self.total[circuit] += more
        self._stations[outlet.bay[0]] += amps


def load(outlets: Iterable[Outlet]) -> dict[Circuit, float]:
    """The most that may be drawn now, by circuit."""
    return dict(_Drawn(outlets).total)


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
    drawn = _Drawn(in_order)
    raised: dict[BayKey, int] = {}
    for outlet in in_order:
        target = targets.get(outlet.bay)
        if target is None or target <= outlet.bound:
            continue
        room = all(
            drawn.total[circuit] + more <= capacity[circuit]
            for circuit, more in drawn.more(outlet, target - outlet.bound).items()
            if circuit in capacity
        )
        if room:
            raised[outlet.bay] = target
            drawn.take(outlet, target - outlet.bound)
    return raised
