"""Down first, then up: whatever a charge point answers, the bounds stay within the limit."""

from dataclasses import replace
from enum import Enum, auto

from hypothesis import given
from hypothesis import strategies as st

from domain.power.plan import Outlet, higher, load, lower
from domain.power.share import BayKey, Demand, share
from domain.power.site import Circuit, Phase

ALL_PHASES: frozenset[Circuit] = frozenset(Phase)

PHASES = st.sampled_from([ALL_PHASES, *(frozenset({phase}) for phase in Phase)])


class Answer(Enum):
    """What becomes of a limit that was sent; of a lost one nobody knows whether it counts."""

    TAKEN = auto()
    REFUSED = auto()
    LOST = auto()


def settle(
    outlets: dict[BayKey, Outlet], sent: dict[BayKey, int], answers: st.DataObject
) -> dict[BayKey, Outlet]:
    after = dict(outlets)
    for bay, amps in sent.items():
        match answers.draw(st.sampled_from(Answer)):
            case Answer.TAKEN:
                after[bay] = replace(after[bay], bound=float(amps))
            case Answer.LOST:
                after[bay] = replace(after[bay], bound=max(after[bay].bound, float(amps)))
            case Answer.REFUSED:
                pass
    return after


@given(
    st.integers(6, 200),
    st.lists(st.tuples(PHASES, st.integers(0, 32), st.booleans()), max_size=15),
    st.data(),
)
def test_bounds_stay_within_the_limit(
    amps: int, bays: list[tuple[frozenset[Circuit], int, bool]], answers: st.DataObject
) -> None:
    limit: dict[Circuit, float] = dict.fromkeys(Phase, amps)
    outlets: dict[BayKey, Outlet] = {}
    for number, (phases, bound, _) in enumerate(bays):
        one = Outlet(bay=(f"cp_{number}", 1), circuits=phases, bound=bound)
        if max(load([*outlets.values(), one]).values()) <= amps:
            outlets[one.bay] = one
    for _ in range(4):
        reachable = {bay for bay in outlets if answers.draw(st.booleans())}
        reserved = load(outlet for bay, outlet in outlets.items() if bay not in reachable)
        wanted = [
            Demand(bay=bay, circuits=outlets[bay].circuits, max_amps=32)
            for bay in sorted(reachable)
        ]
        targets = share(limit, wanted, reserved)
        outlets = settle(outlets, lower(outlets.values(), targets), answers)
        assert max(load(outlets.values()).values(), default=0) <= amps
        outlets = settle(outlets, higher(limit, outlets.values(), targets), answers)
        assert max(load(outlets.values()).values(), default=0) <= amps


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
