"""Down first, then up: as many as fit."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.power.plan import Outlet, higher, lower
from domain.power.share import Demand, share
from domain.power.site import Circuit, Phase

ALL_PHASES: frozenset[Circuit] = frozenset(Phase)


@given(st.integers(6, 200), st.lists(st.integers(0, 32), max_size=15))
def test_when_all_obey_the_targets_are_reached(amps: int, bounds: list[int]) -> None:
    limit: dict[Circuit, float] = dict.fromkeys(Phase, amps)
    outlets = {
        (f"cp_{number}", 1): Outlet(bay=(f"cp_{number}", 1), circuits=ALL_PHASES, bound=bound)
        for number, bound in enumerate(bounds)
    }
    wanted = [Demand(bay=bay, circuits=ALL_PHASES, max_amps=32) for bay in outlets]
    targets = share(limit, wanted, {})
    for sent in (lower(outlets.values(), targets),):
        outlets |= {bay: replace(outlets[bay], bound=float(to)) for bay, to in sent.items()}
    for bay, to in higher(limit, outlets.values(), targets).items():
        outlets[bay] = replace(outlets[bay], bound=float(to))
    assert {bay: outlet.bound for bay, outlet in outlets.items()} == targets


def test_a_raise_waits_for_a_refused_lowering() -> None:
    outlets = [
        Outlet(bay=("cp_a", 1), circuits=ALL_PHASES, bound=32),
        Outlet(bay=("cp_b", 1), circuits=ALL_PHASES, bound=0),
    ]
    targets = {("cp_a", 1): 16, ("cp_b", 1): 16}
    limit: dict[Circuit, float] = dict.fromkeys(Phase, 32)
    assert lower(outlets, targets) == {("cp_a", 1): 16}
    assert higher(limit, outlets, targets) == {}
    outlets[0] = replace(outlets[0], bound=16)
    assert higher(limit, outlets, targets) == {("cp_b", 1): 16}
