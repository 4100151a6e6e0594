"""How each charge point takes part: nobody is held back for nothing, and nobody is left at 0."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import (
    ChargePointEvent,
    EventKind,
)
from domain.operations import Reply
from domain.power.agenda import SitePace
from domain.power.facts import Carried, SiteSnapshot
from domain.power.operations import LimitForm, RateUnit, StationLimited
from domain.power.plan import load
from domain.power.site import MIN_AMPS, Phase, SiteLimit
from domain.power.site_controller import SiteController
from domain.power.standing import Part
from domain.power.state import Station
from domain.power.troubles import Trouble
from domain.states import FeatureState
from tests.domain.power_site import AT, Site, facts

_UNITS = st.sampled_from(RateUnit)


@given(
    connectors=st.integers(1, 4),
    others=st.integers(0, 2),
    amps=st.none() | st.integers(6, 200),
    cable=st.none() | st.integers(6, 125),
    needs_minimum=st.booleans(),
    unit=_UNITS,
    data=st.data(),
)
def test_somebody_charges_wherever_the_supply_lets_anybody(
    connectors: int,
    others: int,
    amps: int | None,
    cable: int | None,
    needs_minimum: bool,
    unit: RateUnit,
    data: st.DataObject,
) -> None:
    stations = [facts(f"cp_{number}", connectors, cable) for number in range(others + 1)]
    ids = frozenset(one.charge_point_id for one in stations)
    site = Site(
        *stations, amps=amps, needs_minimum=ids if needs_minimum else frozenset(), unit=unit
    )
    bays = [(one.charge_point_id, n + 1) for one in stations for n in range(connectors)]
    busy = data.draw(st.lists(st.sampled_from(bays), unique=True, min_size=1))
    for number, (charge_point_id, connector_id) in enumerate(busy):
        site.begin(charge_point_id, connector_id, number + 1)
        site.controller.stations[charge_point_id]
    drawn = site.drawn
    least = LimitForm(unit=unit, phases=3, max_amps=cable or 32).least
    carried = min(one for one in (amps, cable or 32, 10**6) if one is not None)
    if drawn and carried >= (least if needs_minimum else MIN_AMPS):
        assert any(drawn.values())
    if amps is not None:
        assert load(site.controller.outlets())[Phase.L1] <= amps
    if amps is None and cable is None:
        assert site.profiles == 0
        assert set(drawn.values()) == {32.0}
        assert {station.state for station in site.controller.stations.values()} == {
            FeatureState.ACTIVE
        }
    if cable is not None and connectors > 1:
        for station in stations:
            own = [bound for key, bound in drawn.items() if key[0] == station.charge_point_id]
            assert sum(own) <= cable


@pytest.mark.parametrize("connectors", [2, 3, 4])
def test_a_vehicle_gets_all_that_a_shared_cable_carries_while_it_is_alone(connectors: int) -> None:
    site = Site(facts(connectors=connectors, cable=32), amps=None)
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 32}
    site.begin("cp_a", 2, 2)
    assert site.drawn == {("cp_a", 1): 16, ("cp_a", 2): 16}


def test_what_a_limit_has_left_is_cleared_when_it_is_removed() -> None:
    site = Site(facts(connectors=2), amps=20)
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 20}
    before = site.profiles
    site.controller.limit = SiteLimit()
    site.settle()
    assert site.controller.stations["cp_a"].told is None
    assert site.drawn == {("cp_a", 1): 32}
    assert site.profiles == before


def test_an_ample_supply_holds_nobody_at_zero() -> None:
    """One that ends its transactions at 0 A is never told 0 A where there is no need to."""
    site = Site(facts("cp_a"), facts("cp_b"), amps=64, needs_minimum=frozenset({"cp_a"}))
    assert not site.controller.stations["cp_a"].needs_minimum
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 32}


@given(
    amps=st.integers(6, 120),
    refusing=st.sets(st.integers(0, 3)),
    minimum=st.sets(st.integers(0, 3)),
    connectors=st.integers(1, 2),
)
def test_who_cannot_be_paused_or_limited_never_lets_the_site_above_its_limit(
    amps: int, refusing: set[int], minimum: set[int], connectors: int
) -> None:
    stations = [facts(f"cp_{number}", connectors, 32) for number in range(4)]
    site = Site(
        *stations,
        amps=amps,
        refusing=frozenset(f"cp_{number}" for number in refusing),
        needs_minimum=frozenset(f"cp_{number}" for number in minimum),
    )
    number = 0
    for station in stations:
        for connector in range(1, connectors + 1):
            number += 1
            site.begin(station.charge_point_id, connector, number)
            assert load(site.controller.outlets())[Phase.L1] <= amps
    for identity, standing in site.controller.standings().items():
        station_ = site.controller.stations[identity]
        if standing.part is Part.FREE:
            assert station_.free, "it is not left at what it was told"
        assert frozenset(station_.closed) == standing.closed
        open_ = [bay for bay in site.controller.bays if bay[0] == identity]
        if standing.part is not Part.SHARES or station_.needs_minimum:
            assert all(site.controller.bays[key].bound >= MIN_AMPS for key in open_)
    sharing = [key for key in site.controller.bays if not site.controller.stations[key[0]].given_up]
    if sharing:
        assert any(site.drawn[key] for key in sharing), "somebody charges, and then the next"


def test_who_is_alone_begins_with_what_the_supply_carries() -> None:
    site = Site(facts("cp_a"), amps=20, needs_minimum=frozenset({"cp_a"}))
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 20}
    assert not site.controller.stations["cp_a"].needs_minimum, "nobody told it 0 A"
    site.controller.limit = SiteLimit(amps=12)
    site.settle()
    assert load(site.controller.outlets())[Phase.L1] == 12


def test_who_refuses_is_free_where_the_others_still_charge() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40, refusing=frozenset({"cp_a"}))
    (free, _) = site.controller.states()
    assert free.state is FeatureState.FAILED
    assert free.cause == (
        "It refuses its limits (Rejected). Nothing limits it, and 32 A a phase, what its cable "
        "carries, are kept for it."
    )
    assert "Raise the limit" in str(free.action)
    assert site.controller.stations["cp_a"].free
    site.begin("cp_b", 1, 1)
    assert site.drawn == {("cp_b", 1): 8}


def test_who_refuses_is_closed_where_the_others_would_never_charge() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=32, refusing=frozenset({"cp_a"}))
    assert site.controller.stations["cp_a"].closed == (1,)
    (closed, _) = site.controller.states()
    assert "connector 1 is inoperative" in str(closed.cause)
    site.begin("cp_b", 1, 1)
    assert site.drawn == {("cp_b", 1): 32}
    # The way back: the owner raises the limit. The other one draws 32 A until it is told less.
    site.controller.limit = SiteLimit(amps=40)
    assert site.controller.to_close(site.now) == []
    site.settle()
    assert not site.controller.stations["cp_a"].closed
    assert site.drawn == {("cp_b", 1): 8}


def test_who_may_draw_what_its_cable_carries_is_opened_once_its_limits_are_lifted() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=32, refusing=frozenset({"cp_a"}))
    controller = site.controller
    controller.limit = SiteLimit(amps=64)
    assert [station.charge_point_id for station in controller.to_lift(site.now)] == ["cp_a"]
    assert controller.to_close(site.now) == []
    controller.lifted("cp_a", Reply.ACCEPTED, site.now, whole=True)
    (wanted,) = controller.to_close(site.now)
    assert (wanted.station.charge_point_id, wanted.open) == ("cp_a", (1,))


def test_who_takes_its_limits_after_all_is_opened_again() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=32, refusing=frozenset({"cp_a"}))
    site.refusing = frozenset()
    site.now += SitePace().refused
    site.settle()
    station = site.controller.stations["cp_a"]
    assert (station.state, station.closed) == (FeatureState.ACTIVE, ())
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 32}


def test_a_pause_takes_all_limits_from_who_was_given_up() -> None:
    """It was held at the lowest that it obeys; who takes its limits keeps that of the whole."""
    site = Site(facts("cp_a", cable=32), facts("cp_b", cable=32), amps=20)
    held = site.controller.stations["cp_a"]
    site.controller.stations["cp_a"] = replace(
        held, state=FeatureState.FAILED, trouble=Trouble.REFUSES_SESSION_LIMITS
    )
    site.settle()
    assert site.controller.standings()["cp_a"].part is Part.HELD
    site.controller.paused = True
    site.controller.lifted("cp_a", Reply.TIMEOUT, site.now, whole=True)
    assert site.controller.to_lift(site.now) == [site.controller.stations["cp_b"]]
    assert not site.controller.lift(site.controller.stations["cp_b"]).whole
    site.now += SitePace().unanswered
    site.settle()
    assert site.controller.stations["cp_a"].free
    assert not site.controller.stations["cp_b"].free


@pytest.mark.parametrize("refusing", [frozenset(), frozenset({"cp_a"})])
def test_who_leaves_the_site_loses_its_limits_first(refusing: frozenset[str]) -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=20, refusing=refusing)
    before = site.controller.stations["cp_a"]
    assert before.told is not None
    assert bool(before.closed) is bool(refusing)
    site.controller.keep(["cp_b"])
    assert site.controller.stations["cp_a"].leaving, "it is told first"
    site.settle()
    assert set(site.controller.stations) == {"cp_b"}


def test_who_leaves_the_site_in_the_dark_is_forgotten() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=20)
    site.controller.keep(["cp_b"])
    link = site.controller.stations["cp_a"].connection
    assert link is not None
    site.controller.receive(
        "cp_a",
        ChargePointEvent(
            event_id="e",
            kind=EventKind.DISCONNECTED,
            at=AT,
            connection=replace(link, connected=False),
        ),
        AT,
    )
    site.settle()
    assert set(site.controller.stations) == {"cp_b"}


def test_a_transaction_that_the_supply_does_not_carry_is_ended() -> None:
    """It refuses its limits from one day to the next, and its cable is more than there is."""
    site = Site(facts("cp_a"), amps=20)
    site.begin("cp_a", 1, 1)
    site.refusing = frozenset({"cp_a"})
    link = site.controller.stations["cp_a"].connection
    assert link is not None
    again = replace(link, generation=2)
    site.controller.receive(
        "cp_a",
        ChargePointEvent(event_id="e", kind=EventKind.CONNECTED, at=AT, connection=again),
        AT,
    )
    site.settle()
    assert site.stopped == [("cp_a", 1)]
    assert site.controller.stations["cp_a"].closed == (1,)
    assert load(site.controller.outlets())[Phase.L1] == 0


def test_one_that_answers_nothing_is_counted_before_others_are_let_draw_freely() -> None:
    """32 A are kept for it: beside another 32 A nobody else could ever charge."""
    site = Site(facts("cp_a"), facts("cp_b"), facts("cp_c"), amps=69, refusing=frozenset({"cp_a"}))
    assert site.controller.standings()["cp_a"].part is Part.FREE
    silent = site.controller.stations["cp_b"]
    for state in (FeatureState.ACTIVATING, FeatureState.ACTIVE):
        site.controller.stations["cp_b"] = replace(
            silent, state=state, default_bound=32, prepared=None, retry_at=AT
        )
        assert site.controller.standings()["cp_a"].part is Part.CLOSED


def test_one_that_answers_nothing_closes_others_only_if_it_never_took_its_limits() -> None:
    stations = [facts(f"cp_{number}") for number in range(5)]
    minimum = frozenset(one.charge_point_id for one in stations[1:])
    site = Site(*stations, amps=42, needs_minimum=minimum)
    silent = replace(
        site.controller.stations["cp_0"], default_bound=32, prepared=None, retry_at=site.now
    )
    closed = {}
    for state in (FeatureState.ACTIVE, FeatureState.ACTIVATING):
        site.controller.stations["cp_0"] = replace(silent, state=state)
        standings = site.controller.standings()
        closed[state] = sum(len(one.closed) for one in standings.values())
    assert closed == {FeatureState.ACTIVE: 0, FeatureState.ACTIVATING: 4}


def test_a_session_ends_where_it_was_to_be_closed_and_leaves_nothing_for_others() -> None:
    """Its 32 A are within the limit, and the others would wait as long as it goes on."""
    site = Site(facts("cp_a"), facts("cp_b"), amps=36)
    site.begin("cp_a", 1, 1)
    site.refusing = frozenset({"cp_a"})
    site.controller.count_at_cable(
        replace(site.controller.stations["cp_a"], state=FeatureState.FAILED, obeys=32.0)
    )
    site.settle()
    assert site.controller.stations["cp_a"].closed == (1,)
    assert site.stopped == [], "nobody waits"
    site.begin("cp_b", 1, 2)
    assert site.stopped == [("cp_a", 1)]
    assert site.drawn == {("cp_b", 1): 32}


def test_one_that_reports_a_higher_limit_is_held_at_that_if_it_fits() -> None:
    """Told 20 A it reports 32, told 6 A it reports 10: that is the lowest that it obeys."""
    controller = SiteController(Carried(), SitePace())
    controller.load(SiteSnapshot(limit=SiteLimit(amps=20), stations=(facts(cable=32),)), AT)
    told = []
    for _ in range(4):
        for station in controller.to_prepare(AT):
            terms = controller.terms(station, AT)
            assert terms is not None
            told.append(terms.default_amps)
            more = terms.station_amps != 10
            controller.prepared(
                station,
                terms,
                StationLimited(
                    reply=Reply.ERROR if more else Reply.ACCEPTED,
                    unit=RateUnit.AMPERES,
                    default_amps=terms.default_amps,
                    reported_amps=32 if terms.station_amps == 20 else 10,
                    detail="it still reports more",
                ),
                AT,
            )
    assert told == [20, 6, 10]
    assert controller.stations["cp_a"].state is FeatureState.FAILED
    assert load(controller.outlets())[Phase.L1] == 10


@pytest.mark.parametrize(
    ("reasons", "learnt"),
    [
        (["Other"], True),
        ([None, None, None], True),
        (["Local", "Local"], False),
        (["EVDisconnected"] * 5, False),
        (["Remote"] * 5, False),
    ],
)
def test_who_ends_its_transactions_at_zero_gets_a_minimum(
    reasons: list[str | None], learnt: bool
) -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    for number, reason in enumerate(reasons):
        site._tell("cp_a", 1, number + 1)
        site._tell("cp_a", 1, number + 1, reason or "Local")
    site.settle()
    station: Station = site.controller.stations["cp_a"]
    assert station.needs_minimum is learnt
    if learnt:
        (state, _) = site.controller.states()
        assert state.state is FeatureState.ACTIVE
        assert "6 A a phase are kept" in str(state.cause)
        # From now on it starts with that, and has more at once.
        site._tell("cp_a", 1, 99)
        assert site.drawn == {("cp_a", 1): 6}
        site.settle()
        assert site.drawn == {("cp_a", 1): 32}


def test_those_that_cannot_be_paused_and_do_not_fit_are_inoperative() -> None:
    four = [facts(f"cp_{number}") for number in range(4)]
    ids = frozenset(one.charge_point_id for one in four)
    site = Site(*four, amps=20, needs_minimum=ids)
    closed = [site.controller.stations[one].closed for one in sorted(ids)]
    assert closed == [(), (), (), (1,)]
    for number, identity in enumerate(sorted(ids)):
        site.begin(identity, 1, number + 1)
    assert sorted(site.drawn.values()) == [6, 7, 7]
    # Once they fit, the last is opened, but not before it has taken the new limit of the whole.
    site.controller.limit = SiteLimit(amps=30)
    assert site.controller.to_close(site.now) == []
    site.settle()
    assert not any(site.controller.stations[one].closed for one in ids)


def test_one_that_was_made_inoperative_before_it_restarted_is_opened_once_there_is_room() -> None:
    """It was kept out of use for ever, with the current that was kept for it."""
    four = [facts(f"cp_{number}") for number in range(4)]
    site = Site(*four, amps=20, needs_minimum=frozenset(one.charge_point_id for one in four))
    assert site.inoperative == {("cp_3", 1)}
    site.restart("cp_3")
    site.settle()
    assert site.inoperative == {("cp_3", 1)}
    site.restart("cp_3")
    site.controller.limit = SiteLimit(amps=30)
    site.settle()
    assert site.inoperative == set()
    assert site.controller.stations["cp_3"].shut == ()
    # Another that says by itself that it is in use again is left alone.
    site.controller.limit = SiteLimit(amps=20)
    site.settle()
    assert site.inoperative == {("cp_3", 1)}
    site.inoperative.clear()
    site.restart("cp_3")
    assert site.controller.stations["cp_3"].shut == ()


def test_a_small_supply_lets_a_vehicle_charge_that_is_limited_in_watts() -> None:
    """Three phases at the minimum are 18 A of one phase's worth; one phase is better than none."""
    site = Site(facts("cp_a"), amps=16, unit=RateUnit.WATTS)
    site.begin("cp_a", 1, 1)
    assert site.drawn == {("cp_a", 1): 16}


def test_a_rectifier_draws_its_watts_from_all_phases() -> None:
    form = LimitForm(unit=RateUnit.WATTS, phases=3, max_amps=250, voltage=240, direct_current=True)
    assert form.watts(100) == 72_000
    assert form.least == MIN_AMPS
