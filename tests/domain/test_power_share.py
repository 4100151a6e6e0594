"""Sharing the current of a site: by properties, and by table."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.power.share import BayKey, Demand, share
from domain.power.site import MIN_AMPS, Circuit, Phase, SiteLimit

ALL_PHASES: frozenset[Circuit] = frozenset(Phase)

PHASES = st.sampled_from([ALL_PHASES, *(frozenset({phase}) for phase in Phase)])
LIMITS = st.one_of(st.integers(0, 400), st.floats(0, 400)).map(lambda amps: SiteLimit(amps=amps))


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    return [
        Demand(
            bay=(f"cp_{number}", draw(st.integers(1, 2))),
            circuits=draw(PHASES),
            max_amps=draw(st.integers(0, 63)),
            least=draw(st.sampled_from([MIN_AMPS, 3 * MIN_AMPS])),
            since=draw(st.floats(0, 1000)),
            charges=draw(st.booleans()),
            idle=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 25)))
    ]


def load_of(wanted: Sequence[Demand], allotted: dict[BayKey, int]) -> dict[Circuit, float]:
    return {
        phase: sum(allotted[one.bay] for one in wanted if phase in one.circuits) for phase in Phase
    }


@given(LIMITS, demands(), st.dictionaries(st.sampled_from(Phase), st.floats(0, 200)))
def test_never_above_the_limit(
    limit: SiteLimit, wanted: list[Demand], reserved: dict[Circuit, float]
) -> None:
    assert limit.amps is not None
    allotted = share(limit.capacity, wanted, reserved)
    for phase, amps in load_of(wanted, allotted).items():
        assert amps <= max(0.0, limit.amps - reserved.get(phase, 0.0))


@given(LIMITS, demands())
def test_enough_or_a_pause_and_never_more_than_is_of_use(
    limit: SiteLimit, wanted: list[Demand]
) -> None:
    allotted = share(limit.capacity, wanted, {})
    assert set(allotted) == {one.bay for one in wanted}
    for one in wanted:
        amps = allotted[one.bay]
        assert amps == 0 or one.least <= amps <= one.ceiling


@given(LIMITS, demands(), st.randoms())
def test_the_order_of_the_arguments_does_not_matter(
    limit: SiteLimit, wanted: list[Demand], random: Random
) -> None:
    shuffled = random.sample(wanted, len(wanted))
    assert share(limit.capacity, wanted, {}) == share(limit.capacity, shuffled, {})


@given(LIMITS, demands())
def test_fair_among_those_who_charge(limit: SiteLimit, wanted: list[Demand]) -> None:
    """Who could use an ampere more finds a full phase whose others have at most one more.

    Or no more than they need to charge at all.
    """
    assert limit.amps is not None
    allotted = share(limit.capacity, wanted, {})
    used = load_of(wanted, allotted)
    for one in wanted:
        amps = allotted[one.bay]
        if amps in {0, one.ceiling}:
            continue
        full = [phase for phase in one.circuits if limit.amps - used[phase] < 1]
        assert full, "an ampere is left over for it"
        assert any(
            all(
                allotted[other.bay] <= max(amps + 1, other.least)
                for other in wanted
                if phase in other.circuits
            )
            for phase in full
        )


@given(LIMITS, demands())
def test_who_is_paused_had_no_room(limit: SiteLimit, wanted: list[Demand]) -> None:
    assert limit.amps is not None
    allotted = share(limit.capacity, wanted, {})
    minimum = {one.bay: min(allotted[one.bay], one.least) for one in wanted}
    used = load_of(wanted, minimum)
    for one in wanted:
        if allotted[one.bay] == 0 and one.ceiling >= one.least:
            full = any(limit.amps - used[phase] < one.least for phase in one.circuits)
            assert full or any(
                other.rank < one.rank and allotted[other.bay] == 0 and other.circuits & one.circuits
                for other in wanted
            )


def test_who_needs_more_is_not_overtaken_for_ever() -> None:
    """It needs 18 A, and there are always 6 A for somebody else first."""

    def demand(number: int, least: int, *, since: float, in_turn: bool = False) -> Demand:
        return Demand(
            bay=(f"cp_{number}", 1),
            circuits=ALL_PHASES,
            max_amps=32,
            least=least,
            since=since,
            charges=in_turn,
            in_turn=in_turn,
        )

    charges = demand(1, 6, since=10, in_turn=True)
    waits, came_later = demand(2, 18, since=11), demand(3, 6, since=12)
    capacity = SiteLimit(amps=20).capacity
    allotted = share(capacity, [charges, waits, came_later], {})
    assert allotted == {charges.bay: 20, waits.bay: 0, came_later.bay: 0}
    over = replace(charges, in_turn=False)
    allotted = share(capacity, [over, waits, came_later], {})
    assert allotted == {over.bay: 0, waits.bay: 20, came_later.bay: 0}
    # One that cannot charge here at all holds nobody up.
    allotted = share(SiteLimit(amps=12).capacity, [charges, waits, came_later], {})
    assert allotted == {charges.bay: 6, waits.bay: 0, came_later.bay: 6}


def test_who_waits_for_what_is_never_free_holds_nobody_up() -> None:
    """It needs 18 A, and those that cannot be paused leave 12 as long as they are there."""

    def demand(number: int, least: int, *, since: float, kept: bool = False) -> Demand:
        return Demand(
            bay=(f"cp_{number}", 1),
            circuits=ALL_PHASES,
            max_amps=32,
            least=least,
            since=since,
            charges=kept,
            kept=kept,
        )

    kept = demand(1, 8, since=10, kept=True)
    waits, came_later = demand(2, 18, since=11), demand(3, 6, since=12)
    allotted = share(SiteLimit(amps=20).capacity, [kept, waits, came_later], {})
    assert allotted == {kept.bay: 10, waits.bay: 0, came_later.bay: 10}


@pytest.mark.parametrize(("supply", "each"), [(100, 32), (36, 18)])
def test_who_waits_for_its_own_cable_holds_nobody_up_elsewhere(supply: int, each: int) -> None:
    def demand(connector: int, number: int, *, since: float, in_turn: bool = False) -> Demand:
        return Demand(
            bay=(f"cp_{number}", connector),
            circuits=ALL_PHASES | ({"cp_1"} if number == 1 else set()),
            max_amps=32,
            least=18 if number == 1 else 6,
            since=since,
            charges=in_turn,
            in_turn=in_turn,
        )

    charges, waits = demand(1, 1, since=10, in_turn=True), demand(2, 1, since=11)
    came_later = demand(1, 2, since=12)
    capacity = {**SiteLimit(amps=supply).capacity, "cp_1": 32.0}
    allotted = share(capacity, [charges, waits, came_later], {})
    assert allotted == {charges.bay: each, waits.bay: 0, came_later.bay: each}


@given(st.integers(6, 60), st.integers(2, 12), st.integers(1, 3), st.integers(30, 60))
def test_nobody_starves_though_newcomers_keep_coming(
    amps: int, bays: int, arrivals: int, turns: int
) -> None:
    """Each turn vehicles leave and others come; who waits is overtaken by none that comes later."""
    wanted = {
        number: Demand(bay=(f"cp_{number:02}", 1), circuits=ALL_PHASES, max_amps=16)
        for number in range(bays)
    }
    waited = dict.fromkeys(wanted, 0)
    stays = 0  # this one stays all the time
    for turn in range(turns):
        for newcomer in range(arrivals):
            number = 1 + (turn * arrivals + newcomer) % (bays - 1)
            wanted[number] = replace(wanted[number], since=float(turn), charges=False)
            waited[number] = 0
        allotted = share(SiteLimit(amps=amps).capacity, wanted.values(), {})
        for number, one in wanted.items():
            charges = allotted[one.bay] > 0
            waited[number] = 0 if charges else waited[number] + 1
            if charges is not one.charges:
                wanted[number] = replace(one, charges=charges, since=float(turn))
        assert waited[stays] <= bays


@pytest.mark.parametrize(
    ("limit", "maxima", "amps"),
    [
        (None, [32, 16], [32, 16]),
        (100, [32, 16], [32, 16]),
        (40, [32, 16], [24, 16]),
        (32, [32, 32], [16, 16]),
        (33, [32, 32], [17, 16]),
        (13, [32, 32, 32], [7, 6, 0]),
        (5.9, [32], [0]),
        (20, [5, 32], [0, 20]),
        (0, [32], [0]),
    ],
)
def test_by_table(limit: float | None, maxima: list[int], amps: list[int]) -> None:
    wanted = [
        Demand(bay=(f"cp_{number}", 1), circuits=ALL_PHASES, max_amps=maximum)
        for number, maximum in enumerate(maxima)
    ]
    assert list(share(SiteLimit(amps=limit).capacity, wanted, {}).values()) == amps


def test_one_phase_does_not_wait_for_another() -> None:
    wanted = [
        Demand(bay=("cp_a", 1), circuits=frozenset({Phase.L1}), max_amps=32),
        Demand(bay=("cp_b", 1), circuits=frozenset({Phase.L1}), max_amps=32),
        Demand(bay=("cp_c", 1), circuits=frozenset({Phase.L2}), max_amps=32),
    ]
    assert share(SiteLimit(amps=32).capacity, wanted, {}) == {
        ("cp_a", 1): 16,
        ("cp_b", 1): 16,
        ("cp_c", 1): 32,
    }


def test_a_full_vehicle_keeps_what_lets_it_resume() -> None:
    wanted = [
        Demand(bay=("cp_a", 1), circuits=ALL_PHASES, max_amps=32, idle=True),
        Demand(bay=("cp_b", 1), circuits=ALL_PHASES, max_amps=32),
    ]
    assert share(SiteLimit(amps=32).capacity, wanted, {}) == {("cp_a", 1): 6, ("cp_b", 1): 26}
    assert share(SiteLimit(amps=10).capacity, wanted, {}) == {("cp_a", 1): 0, ("cp_b", 1): 10}


def test_a_limit_in_kilowatts() -> None:
    assert SiteLimit.of_power(22.08, 3).amps == pytest.approx(32)
    assert SiteLimit.of_power(7.36, 1).amps == 32
    assert SiteLimit.of_power(16.33, 1).amps == 71
    assert SiteLimit(amps=32, phases=3).power_kw == pytest.approx(22.08)
