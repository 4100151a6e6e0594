"""A charge point of a live site, and a run that commissions it once more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import ChargePointEvent, EventKind
from domain.names import commissioning_workflow_id
from domain.operations import Reply
from domain.power.agenda import SitePace
from domain.power.facts import SiteSnapshot, StationFacts
from domain.power.loads import site_load
from domain.power.plan import load
from domain.power.reasons import Reason
from domain.power.service import Borrow
from domain.power.site import SiteLimit
from domain.power.standing import Part
from domain.states import FeatureState
from tests.domain.power_site import AT, Site, facts

_RUN = "com_1"
_AMPS = st.integers(13, 200)


def _borrow(site: Site, *, power: bool, identity: str = "cp_a", ask: int = 1) -> None:
    site.controller.borrow(
        Borrow(
            charge_point_id=identity,
            commissioning_id=_RUN,
            workflow_id=commissioning_workflow_id(identity),
            ask=ask,
            power=power,
        ),
        site.now,
    )


def _lent(site: Site, identity: str = "cp_a", ask: int = 1) -> bool:
    """Go on until it is lent, or nothing more happens."""
    site.settle()
    for station in site.controller.to_lend(site.now):
        site.controller.lent(station.charge_point_id, ask)
    return site.controller.stations[identity].lent


def _read(site: Site, *stations: StationFacts, amps: float | None) -> None:
    snapshot = SiteSnapshot(limit=SiteLimit(amps=amps), stations=stations)
    site.controller.load(snapshot, site.now)
    site.controller.keep([one.charge_point_id for one in stations])


def _told(site: Site, kind: EventKind, **fields: Any) -> None:
    event = ChargePointEvent(event_id="evt", kind=kind, at=site.now, **fields)
    site.controller.receive("cp_a", event, site.now)


@given(
    others=st.integers(0, 4),
    amps=st.none() | _AMPS,
    cable=st.none() | st.integers(6, 63),
    connectors=st.integers(1, 2),
    refusing=st.booleans(),
    needs_minimum=st.booleans(),
)
def test_a_test_charge_has_its_power_and_the_site_keeps_its_limit(
    others: int,
    amps: int | None,
    cable: int | None,
    connectors: int,
    refusing: bool,
    needs_minimum: bool,
) -> None:
    names = [f"cp_{number}" for number in range(others)]
    site = Site(
        facts("cp_a", connectors, cable),
        *(facts(name) for name in names),
        amps=amps,
        refusing=frozenset({"cp_a"} if refusing else ()),
        needs_minimum=frozenset({"cp_a"} if needs_minimum else ()),
    )
    for number, name in enumerate(names, start=1):
        site.begin(name, 1, number)
    drew = site.drawn
    _borrow(site, power=True)
    lent = _lent(site)
    station = site.controller.stations["cp_a"]
    if not refusing:
        assert lent
    if lent:
        for circuit, amperes in load(site.controller.outlets()).items():
            assert amperes <= site.controller.capacity.get(circuit, float("inf"))
        assert station.default_bound >= min(station.least, station.max_amps)
        if amps is None or not refusing:
            assert station.free or (station.told is not None or refusing)
    if amps is None:
        assert site.drawn == drew, "nobody is disturbed where nothing is limited"
    site.controller.take_back("cp_a", _RUN)
    site.settle()
    after = site.controller.stations["cp_a"]
    assert after.state is (FeatureState.FAILED if refusing and after.told else after.state)
    assert after.service is None
    if not refusing:
        assert after.state is FeatureState.ACTIVE or amps is None
        assert site.drawn == drew, "the others have again what they had"


def test_the_others_are_lowered_before_it_is_lent() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    site.begin("cp_b", 1, 1)
    assert site.drawn == {("cp_b", 1): 32}
    _borrow(site, power=True)
    assert not site.controller.to_lend(site.now), "the other still draws 32 A of 40"
    assert _lent(site)
    assert site.drawn == {("cp_b", 1): 20}
    assert site.controller.stations["cp_a"].told is not None
    assert site.controller.stations["cp_a"].default_bound == 20


def test_who_does_not_let_itself_be_lowered_has_the_run_wait() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    site.begin("cp_b", 1, 1)
    _borrow(site, power=True)
    for _ in range(3):
        site.controller.reserve(site.now)
        targets = site.controller.targets(site.now)
        assert targets == {("cp_b", 1): 20}
        site.controller.limited(
            ("cp_b", 1), "1", 20, Reply.TIMEOUT, site.now, restarts=0, detail="It hangs."
        )
        assert site.controller.to_lend(site.now) == []
        assert site.controller.to_prepare(site.now) == [], "its limit is not raised either"
        site.now += SitePace().unanswered
    assert _lent(site), "it answers at last"


def test_its_site_tells_it_nothing_while_a_run_has_it() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    _borrow(site, power=False)
    assert _lent(site)
    told = site.profiles
    site.begin("cp_a", 1, 1)  # a charge of whom ever
    assert site.profiles == told
    assert site.controller.bays["cp_a", 1].bound == 0
    assert site.controller.to_stop(site.now) == []


def test_after_a_restart_it_is_called_back_and_told_anew() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    site.begin("cp_b", 1, 1)
    _borrow(site, power=True)
    assert _lent(site)
    _told(site, EventKind.BOOT)
    site.now += SitePace().doubt
    site.controller.lose_trust(site.now)
    site.settle()
    assert site.drawn == {("cp_b", 1): 8}, "it is counted at its cable"
    (station,) = site.controller.to_call_back(site.now)
    site.controller.called_back(station.charge_point_id)
    assert site.controller.to_call_back(site.now) == [], "once"
    _borrow(site, power=True, ask=2)
    assert _lent(site, ask=2)
    assert load(site.controller.outlets())["L1"] <= 40
    assert site.controller.stations["cp_a"].default_bound < 32


def test_a_lower_limit_is_told_where_a_run_has_it_too() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    _borrow(site, power=True)
    assert _lent(site)
    site.controller.limit = SiteLimit(amps=16)
    (station,) = site.controller.to_call_back(site.now)
    _borrow(site, power=True, ask=2)
    assert _lent(site, ask=2)
    assert site.controller.stations[station.charge_point_id].default_bound == 8


@pytest.mark.parametrize(("amps", "aside"), [(64, 32), (40, 20), (32, 16), (10, 10)])
def test_who_comes_while_a_run_waits_for_a_vehicle_charges_too(amps: int, aside: int) -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=amps)
    _borrow(site, power=True)
    assert _lent(site)
    site.begin("cp_b", 1, 1)
    assert site.controller.stations["cp_a"].default_bound == aside
    assert site.drawn == {("cp_b", 1): amps - aside}


def test_an_answer_to_an_earlier_ask_lends_nothing() -> None:
    site = Site(facts("cp_a"), amps=40)
    _borrow(site, power=False, ask=2)
    site.controller.lent("cp_a", 1)
    assert not site.controller.stations["cp_a"].lent


@pytest.mark.parametrize("told", [True, False])
def test_a_run_that_has_ended_gives_back_though_nobody_said_so(*, told: bool) -> None:
    site = Site(facts("cp_a"), amps=40)
    _borrow(site, power=True)
    assert _lent(site)
    assert site.controller.to_look_at(site.now) == set()
    site.now += SitePace().looked_at
    assert site.controller.to_look_at(site.now) == {"cp_a"}
    _read(site, replace(facts("cp_a"), run=_RUN), amps=40)
    assert site.controller.stations["cp_a"].lent, "it goes on"
    if told:
        assert not site.controller.take_back("cp_a", "com_0"), "that was another"
        assert site.controller.take_back("cp_a", _RUN)
    else:
        _read(site, facts("cp_a"), amps=40)
    station = site.controller.stations["cp_a"]
    assert (station.service, station.state) == (None, FeatureState.ACTIVATING)
    site.settle()
    assert site.controller.stations["cp_a"].state is FeatureState.ACTIVE
    assert site.controller.stations["cp_a"].told == site.controller.standings()["cp_a"].terms


def test_an_open_run_has_its_charge_point_though_the_site_begins_anew() -> None:
    site = Site(replace(facts("cp_a"), run=_RUN), facts("cp_b"), amps=40)
    assert site.controller.stations["cp_a"].lent
    assert site.controller.stations["cp_a"].told is None
    assert site.controller.stations["cp_a"].default_bound == 32, "nobody knows what it was told"
    assert [one.charge_point_id for one in site.controller.to_call_back(site.now)] == ["cp_a"]


class TestNotCommissioned:
    def test_it_is_inoperative_and_counted_until_it_is(self) -> None:
        new = replace(facts("cp_a"), commissioned=False)
        site = Site(facts("cp_b"), amps=40)
        site.begin("cp_b", 1, 1)
        snapshot = SiteSnapshot(limit=SiteLimit(amps=40), stations=(new,))
        site.controller.load(snapshot, site.now)
        assert load(site.controller.outlets())["L1"] == 64, "the others make room at once"
        site.settle()
        assert site.controller.stations["cp_a"].closed == (1,)
        assert site.drawn == {("cp_b", 1): 32}
        assert site.controller.stations["cp_a"].told is None

    def test_what_never_connected_takes_nothing_from_the_others(self) -> None:
        new = replace(facts("cp_a"), commissioned=False, connection=None, connectors=())
        site = Site(new, facts("cp_b"), amps=40)
        site.begin("cp_b", 1, 1)
        assert site.drawn == {("cp_b", 1): 32}

    def test_its_run_is_lent_what_it_needs_and_it_shares_once_that_has_passed(self) -> None:
        new = replace(facts("cp_a"), commissioned=False)
        site = Site(new, facts("cp_b"), amps=40)
        site.begin("cp_b", 1, 1)
        _borrow(site, power=False)
        assert _lent(site)
        _borrow(site, power=True, ask=2)
        assert _lent(site, ask=2)
        assert site.controller.stations["cp_a"].default_bound == 20
        assert site.drawn == {("cp_b", 1): 20}
        _read(site, facts("cp_a"), facts("cp_b"), amps=40)
        site.settle()
        assert site.controller.standings()["cp_a"].part is Part.SHARES
        site.begin("cp_a", 1, 2)
        assert site.drawn == {("cp_a", 1): 20, ("cp_b", 1): 20}

    def test_it_is_inoperative_again_where_its_run_has_failed(self) -> None:
        new = replace(facts("cp_a"), commissioned=False)
        site = Site(new, facts("cp_b"), amps=40)
        _borrow(site, power=True)
        assert _lent(site)
        assert not site.controller.stations["cp_a"].closed
        site.controller.take_back("cp_a", _RUN)
        site.settle()
        assert site.controller.stations["cp_a"].closed == (1,)


class TestLeaving:
    def test_it_is_made_inoperative_its_sessions_end_and_its_limits_go(self) -> None:
        site = Site(facts("cp_a", 2), facts("cp_b"), amps=40)
        site.begin("cp_a", 1, 1)
        snapshot = SiteSnapshot(
            limit=SiteLimit(amps=40), stations=(replace(facts("cp_a", 2), leaves=True),)
        )
        site.controller.load(snapshot, site.now)
        assert site.controller.to_lift(site.now) == [], "others may charge there"
        for number in (1, 2):
            site.controller.closed("cp_a", number, Reply.SCHEDULED, AT, operative=False, restarts=0)
        assert site.controller.to_lift(site.now) == [], "a session runs until it has ended"
        assert site.controller.to_take_out() == []
        site.settle()
        assert site.stopped == [("cp_a", 1)]
        assert set(site.controller.stations) == {"cp_b"}

    @pytest.mark.parametrize(
        ("charges", "isolated", "stays"),
        [(False, False, False), (True, False, True), (True, True, False)],
    )
    def test_one_that_is_offline_is_counted_as_long_as_it_may_draw(
        self, *, charges: bool, isolated: bool, stays: bool
    ) -> None:
        site = Site(facts("cp_a"), facts("cp_b"), amps=40)
        if charges:
            site.begin("cp_a", 1, 1)
        site.begin("cp_b", 1, 2)
        link = site.controller.stations["cp_a"].connection
        assert link is not None
        _told(site, EventKind.DISCONNECTED, connection=replace(link, connected=False))
        left = replace(
            facts("cp_a"),
            leaves=True,
            isolated=isolated,
            connection=replace(link, connected=False),
            transactions=(),
        )
        snapshot = SiteSnapshot(limit=SiteLimit(amps=40), stations=(left,))
        known = site.controller.running()
        site.controller.load(snapshot, site.now, known=() if charges else known)
        site.settle()
        assert ("cp_a" in site.controller.stations) is stays
        assert site.drawn["cp_b", 1] == (20 if stays else 32)

    def test_one_that_refuses_is_counted_until_nothing_supplies_it(self) -> None:
        site = Site(facts("cp_a"), amps=40)
        leaves = replace(facts("cp_a"), leaves=True)
        site.controller.load(SiteSnapshot(limit=SiteLimit(amps=40), stations=(leaves,)), site.now)
        for reply in (Reply.REJECTED, Reply.TIMEOUT):
            site.controller.closed("cp_a", 1, reply, site.now, operative=False, restarts=0)
            assert site.controller.to_take_out() == []
        isolated = replace(leaves, isolated=True)
        site.controller.load(SiteSnapshot(limit=SiteLimit(amps=40), stations=(isolated,)), site.now)
        assert [one.charge_point_id for one in site.controller.to_take_out()] == ["cp_a"]

    def test_one_that_comes_back_is_opened_again(self) -> None:
        site = Site(facts("cp_a"), amps=40)
        leaves = replace(facts("cp_a"), leaves=True)
        site.controller.load(SiteSnapshot(limit=SiteLimit(amps=40), stations=(leaves,)), site.now)
        (wanted,) = site.controller.to_close(site.now)
        site.controller.closed("cp_a", 1, Reply.ACCEPTED, site.now, operative=False, restarts=0)
        site.controller.load(
            SiteSnapshot(limit=SiteLimit(amps=40), stations=(facts("cp_a"),)), site.now
        )
        assert wanted.close == (1,)
        site.settle()
        assert site.controller.stations["cp_a"].closed == ()
        assert site.controller.stations["cp_a"].state is FeatureState.ACTIVE


def test_it_is_serviced_in_a_visit_alone() -> None:
    """After it nobody comes, so the owner reads that it takes another."""
    site = Site(facts("cp_b"), amps=40)
    for until in (AT + timedelta(hours=8), None):
        waits = replace(facts("cp_a"), until=until, commissioned=False)
        site.controller.load(SiteSnapshot(limit=SiteLimit(amps=40), stations=(waits,)), AT)
        state = next(one for one in site.controller.states() if one.charge_point_id == "cp_a")
        assert ("being serviced" in (state.cause or "")) is (until is not None)
        assert "in a service visit" in (state.action or "")


@pytest.mark.parametrize(
    ("facts_changed", "reason", "words"),
    [
        ({"run": _RUN}, Reason.IN_SERVICE, "being serviced until 2026-06-01 08:00 UTC: a run"),
        ({"commissioned": False}, Reason.NOT_COMMISSIONED, "kept inoperative"),
        ({"leaves": True}, Reason.LEAVING, "being taken out of the site"),
    ],
)
def test_the_owner_is_told_in_words(
    facts_changed: dict[str, Any], reason: Reason, words: str
) -> None:
    until = AT + timedelta(hours=8)
    site = Site(facts("cp_b"), amps=40)
    changed = replace(facts("cp_a"), until=until, **facts_changed)
    site.controller.load(SiteSnapshot(limit=SiteLimit(amps=40), stations=(changed,)), AT)
    state = next(one for one in site.controller.states() if one.charge_point_id == "cp_a")
    assert state.state is FeatureState.ACTIVATING
    assert words in (state.cause or "")
    assert state.action
    told = site_load(site.controller, AT)
    assert next(one for one in told.stations if one.charge_point_id == "cp_a").reason is reason
