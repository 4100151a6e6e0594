"""The book of a site, where an answer is lost or its workflow continues as new."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import (
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.operations import Reply
from domain.power.agenda import SitePace
from domain.power.facts import Carried, Draws, SiteSnapshot, StationFacts
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, load, lower
from domain.power.share import BayKey
from domain.power.site import Phase, SiteLimit
from domain.power.site_controller import SiteController
from domain.power.state import Station, Terms
from domain.states import ConnectorStatus, FeatureState

_AT = datetime(2026, 6, 1, tzinfo=UTC)
_BEFORE = _AT - timedelta(minutes=1)
_CP = "cp_a"
_KEY: BayKey = (_CP, 1)
_ACCEPTED = StationLimited(reply=Reply.ACCEPTED, unit=RateUnit.AMPERES)
_REJECTED = StationLimited(reply=Reply.REJECTED, unit=RateUnit.AMPERES, detail="Rejected")
_SILENT = StationLimited(reply=Reply.TIMEOUT, unit=RateUnit.AMPERES)
_LOST = st.lists(st.sampled_from([Reply.TIMEOUT, Reply.UNKNOWN, Reply.ACCEPTED]), max_size=6)


def _transaction(number: int, *, stopped_at: datetime | None = None) -> TransactionFact:
    return TransactionFact(
        transaction_id=str(number),
        number=number,
        connector_id=1,
        id_tag="CARD",
        started_at=_AT,
        meter_start=0,
        stopped_at=stopped_at,
    )


def _event(kind: EventKind, transaction: TransactionFact) -> ChargePointEvent:
    return ChargePointEvent(event_id="evt_1", kind=kind, at=_AT, transaction=transaction)


def _facts(charge_point_id: str, **changes: Any) -> StationFacts:
    link = ConnectionFact(
        connected=True, node_id="node_1", generation=1, ocpp_version="1.6", at=_BEFORE
    )
    fields: dict[str, Any] = {
        "charge_point_id": charge_point_id,
        "max_amps": 32,
        "connection": link,
        "connectors": (_connector(ConnectorStatus.AVAILABLE),),
    }
    return StationFacts(**fields | changes)


def _connector(status: ConnectorStatus, at: datetime = _AT) -> ConnectorFact:
    return ConnectorFact(connector_id=1, status=status, error_code="NoError", at=at)


def _site(amps: float | None, *stations: StationFacts) -> SiteSnapshot:
    return SiteSnapshot(limit=SiteLimit(amps=amps), stations=stations)


def _prepare(
    controller: SiteController, answer: StationLimited = _ACCEPTED, now: datetime = _AT
) -> None:
    controller.reserve(now)
    for station in controller.to_prepare(now):
        _answer_terms(controller, station, answer, now)


def _terms(controller: SiteController, station: Station, now: datetime = _AT) -> Terms:
    terms = controller.terms(station, now)
    assert terms is not None
    return terms


def _answer_terms(
    controller: SiteController, station: Station, answer: StationLimited, now: datetime = _AT
) -> None:
    controller.prepared(station, _terms(controller, station, now), answer, now)


def _controller(*others: str, amps: float = 20) -> SiteController:
    """A site whose charge points have confirmed their limits."""
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(amps, *(_facts(one) for one in (_CP, *others))), _AT)
    _prepare(controller)
    return controller


def _begin(controller: SiteController, charge_point_id: str = _CP, number: int = 1) -> None:
    event = _event(EventKind.TRANSACTION_STARTED, _transaction(number))
    controller.receive(charge_point_id, event, _AT)


def _boot(controller: SiteController) -> None:
    controller.receive(_CP, ChargePointEvent(event_id="evt_2", kind=EventKind.BOOT, at=_AT), _AT)


def _obey(controller: SiteController, now: datetime = _AT) -> None:
    """All take what they are told, down first."""
    targets = controller.targets(now)
    for key, amps in lower(controller.outlets(), targets).items():
        _answer(controller, key, amps, Reply.ACCEPTED, now)
    for key, amps in higher(controller.capacity, controller.outlets(), targets).items():
        _answer(controller, key, amps, Reply.ACCEPTED, now)


def _answer(
    controller: SiteController, key: BayKey, amps: int, reply: Reply, now: datetime
) -> None:
    restarts = controller.stations[key[0]].restarts
    name = controller.bays[key].transaction_id
    controller.limited(key, name, amps, reply, now, restarts=restarts)


@given(_LOST)
def test_a_vehicle_gets_its_share_whatever_answers_were_lost(replies: list[Reply]) -> None:
    controller, now = _controller(), _AT
    controller.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(1)), now)
    drawn, supply = 0, 20
    for round_, reply in enumerate([*replies, Reply.ACCEPTED, Reply.ACCEPTED]):
        if round_ < len(replies):  # at last nothing changes any more, and nothing is lost
            supply = 39 - supply
        controller.limit = SiteLimit(amps=supply)
        targets, outlets = controller.targets(now), controller.outlets()
        asked = lower(outlets, targets) | higher(controller.capacity, outlets, targets)
        for key, amps in asked.items():
            if reply is not Reply.UNKNOWN:  # the question was lost already
                drawn = amps
            _answer(controller, key, amps, reply, now)
        now += timedelta(minutes=1)
    assert drawn == supply
    assert controller.bays[_KEY].bound == supply


def test_a_raise_that_was_not_answered_is_asked_for_again() -> None:
    controller, now = _controller(), _AT
    controller.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(1)), now)
    _answer(controller, _KEY, 0, Reply.ACCEPTED, now)
    _answer(controller, _KEY, 20, Reply.UNKNOWN, now)
    now += timedelta(minutes=1)
    assert lower(controller.outlets(), controller.targets(now)) == {_KEY: 20}


def test_who_has_ended_stays_ended_when_the_workflow_continues_as_new() -> None:
    controller = _controller()
    started = _event(EventKind.TRANSACTION_STARTED, _transaction(1))
    controller.receive(_CP, started, _AT)
    stopped = _transaction(1, stopped_at=_AT)
    controller.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, stopped), _AT)
    continued = SiteController(controller.carried(), SitePace())
    assert not continued.receive(_CP, started, _AT), "it was told late, or again"
    assert not continued.bays


def test_only_so_many_ended_transactions_are_remembered() -> None:
    controller = _controller()
    for number in range(1, 2000):
        stopped = _transaction(number, stopped_at=_AT)
        controller.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(number)), _AT)
        controller.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, stopped), _AT)
    ended = controller.carried().ended
    assert len(ended) <= 500
    assert ended[-1] == 1999


def test_who_refuses_its_limits_is_counted_at_its_cable_though_it_took_them_before() -> None:
    controller = _controller("cp_b")
    _begin(controller)
    _obey(controller)
    assert load(controller.outlets())[Phase.L1] == 20
    link = controller.stations[_CP].connection
    assert link is not None
    event = ChargePointEvent(
        event_id="evt_3",
        kind=EventKind.CONNECTED,
        at=_AT,
        connection=replace(link, generation=2),
    )
    controller.receive(_CP, event, _AT)
    _prepare(controller, _REJECTED)
    assert controller.stations[_CP].state is FeatureState.FAILED
    _begin(controller, "cp_b", 2)
    assert controller.bays[_KEY].bound == 32
    assert controller.targets(_AT) == {("cp_b", 1): 0}
    # It takes them an hour later.
    now = _AT + timedelta(hours=1)
    _prepare(controller, now=now)
    _obey(controller, now)
    assert load(controller.outlets())[Phase.L1] == 20
    assert controller.bays[_KEY].bound == 10


@pytest.mark.parametrize("answer", [_ACCEPTED, _SILENT, None])
def test_who_restarts_has_five_seconds_to_confirm_its_limits(
    answer: StationLimited | None,
) -> None:
    controller = _controller("cp_b")
    _begin(controller)
    _obey(controller)
    _boot(controller)
    if answer is not None:
        _prepare(controller, answer)
    controller.lose_trust(_AT + timedelta(seconds=4.9))
    assert controller.bays[_KEY].bound == 20, "a bad link makes many a charge point boot"
    pause = controller.next_look(_AT, began=_AT)
    assert (pause == timedelta(seconds=5)) is (answer is not _ACCEPTED)
    late = _AT + timedelta(seconds=6)  # the decision that began at _AT took so long
    assert (controller.next_look(late, began=_AT) == timedelta()) is (answer is not _ACCEPTED)
    controller.lose_trust(_AT + timedelta(seconds=5))
    cable = 20 if answer is _ACCEPTED else 32
    assert controller.bays[_KEY].bound == cable
    assert controller.stations[_CP].default_bound == (0 if answer is _ACCEPTED else 32)


def test_what_was_answered_before_a_restart_counts_for_nothing() -> None:
    controller = _controller("cp_b")
    _begin(controller)
    asked = controller.stations[_CP]
    _boot(controller)
    controller.prepared(asked, _terms(controller, asked), _ACCEPTED, _AT)
    assert controller.to_prepare(_AT) == [controller.stations[_CP]]
    controller.limited(_KEY, "1", 20, Reply.ACCEPTED, _AT, restarts=asked.restarts)
    assert controller.bays[_KEY].bound == 20
    assert lower(controller.outlets(), controller.targets(_AT)) == {_KEY: 20}


@pytest.mark.parametrize("amps", [10, 60])
def test_another_limit_of_the_supply_is_told_to_each_charge_point(amps: float) -> None:
    controller = _controller()
    controller.limit = SiteLimit(amps=amps)
    (station,) = controller.to_prepare(_AT)
    assert _terms(controller, station).station_amps == (10 if amps == 10 else 32)


def test_another_number_of_phases_is_told_to_each_charge_point_and_session() -> None:
    controller = _controller()
    _begin(controller)
    _obey(controller)
    facts = _facts(_CP, phases=(Phase.L1,), transactions=(_transaction(1),))
    controller.load(_site(20, facts), _AT)
    assert [_terms(controller, one).phases for one in controller.to_prepare(_AT)] == [1]
    assert lower(controller.outlets(), controller.targets(_AT)) == {_KEY: 20}


def test_a_snapshot_that_was_asked_for_before_a_change_does_not_undo_it() -> None:
    controller = _controller()
    controller.limit, controller.paused = SiteLimit(amps=6), True
    controller.load(_site(20, _facts("cp_b")), _AT, charge_points_only=True)
    assert (controller.limit.amps, controller.paused) == (6, True)
    assert "cp_b" in controller.stations


def test_a_session_whose_end_was_lost_gives_its_share_back() -> None:
    controller = _controller("cp_b")
    _begin(controller)
    _begin(controller, "cp_b", 2)

    def tell(status: ConnectorStatus, at: datetime) -> None:
        event = ChargePointEvent(
            event_id="evt_4", kind=EventKind.CONNECTOR, at=at, connector=_connector(status, at)
        )
        controller.receive(_CP, event, _AT)

    tell(ConnectorStatus.AVAILABLE, _AT)  # from before it began
    _obey(controller)
    assert [bay.granted for bay in controller.bays.values()] == [10, 10]
    tell(ConnectorStatus.AVAILABLE, _AT + timedelta(minutes=1))
    _obey(controller)
    assert [bay.granted for bay in controller.bays.values()] == [6, 14]


def test_a_lifting_that_was_not_answered_may_count_or_not() -> None:
    controller = _controller()
    _begin(controller)
    _obey(controller)
    controller.paused = True
    controller.lifted(_CP, Reply.TIMEOUT, _AT)
    assert controller.bays[_KEY].bound == 32
    later = _AT + timedelta(minutes=1)
    assert controller.to_lift(later)
    controller.paused = False
    assert controller.to_prepare(later)


def test_who_cannot_report_takes_part_and_is_said_to_be_unconfirmed() -> None:
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(20, _facts(_CP)), _AT)
    _prepare(controller, replace(_ACCEPTED, confirmed=False, proven=False))
    (state,) = controller.states()
    assert state.state is FeatureState.ACTIVE
    assert "not confirmed" in str(state.cause)
    assert controller.to_prepare(_AT + timedelta(days=1)) == []
    _begin(controller)
    _obey(controller)
    assert controller.bays[_KEY].granted == 20
    # It may be able to with a session. It is asked then, once.
    assert controller.to_prepare(_AT) == [controller.stations[_CP]]
    running = controller.confirmed_sessions(controller.stations[_CP])
    limited = replace(_ACCEPTED, confirmed=False, proven=False)
    station = controller.stations[_CP]
    controller.prepared(station, _terms(controller, station), limited, _AT, running=running)
    assert controller.to_prepare(_AT) == []
    assert controller.states() == [state]


def test_who_was_told_before_its_connectors_were_known_is_asked_about_them_and_not_blamed() -> None:
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(20, _facts(_CP, connectors=())), _AT)
    _prepare(controller, replace(_ACCEPTED, proven=False))
    assert [(one.state, one.cause) for one in controller.states()] == [(FeatureState.ACTIVE, None)]
    assert controller.to_prepare(_AT) == []
    controller.load(_site(20, _facts(_CP)), _AT)
    (station,) = controller.to_prepare(_AT)
    idle, silent = controller.idle(station), replace(_ACCEPTED, proven=False)
    assert idle == (1,)
    controller.prepared(station, _terms(controller, station), silent, _AT, idle=idle)
    (state,) = controller.states()
    assert "does not report what limits a connector" in str(state.cause)
    assert controller.to_prepare(_AT + timedelta(days=1)) == []


def test_who_does_not_share_yet_is_told_why_and_what_to_do() -> None:
    controller = SiteController(Carried(), SitePace())
    offline = replace(_facts("cp_c"), connection=None)
    controller.load(_site(20, _facts(_CP), _facts("cp_b"), offline), _AT)
    silent = controller.stations["cp_b"]
    _answer_terms(controller, silent, replace(_ACCEPTED, reply=Reply.TIMEOUT))
    told, asked_again, away = controller.states()
    assert {one.state for one in (told, asked_again, away)} == {FeatureState.ACTIVATING}
    assert "It is being told its limits. 32 A a phase" in str(told.cause)
    assert "It does not answer to its limits" in str(asked_again.cause)
    assert "Restart it" in str(asked_again.action)
    assert "It is offline" in str(away.cause)
    assert "Bring it online" in str(away.action)
    controller.paused = True
    assert {one.state for one in controller.states()} == {FeatureState.PAUSED}
    assert all("paused" in str(one.cause) and one.action for one in controller.states())


def test_watts_count_as_if_one_phase_carried_them() -> None:
    """A vehicle on three phases needs 18 A of one phase's worth, or all that the cable carries."""
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(40, _facts(_CP), _facts("cp_b")), _AT)
    _prepare(controller, replace(_ACCEPTED, unit=RateUnit.WATTS))
    _begin(controller)
    _begin(controller, "cp_b", 2)
    _obey(controller)
    assert [bay.granted for bay in controller.bays.values()] == [20, 20]
    assert controller.stations[_CP].form.watts(20) == 4_600
    assert controller.stations[_CP].form.watts(32) == 22_080
    controller.limit = SiteLimit(amps=30)
    _obey(controller)
    assert sorted(bay.granted for bay in controller.bays.values()) == [0, 30]


def test_turns_are_taken_in_the_order_of_waiting() -> None:
    """A newcomer each quarter of an hour, at two bays in turn: who was first has every third."""
    controller, now, served = _controller("cp_b", "cp_c", amps=6), _AT, 0
    _begin(controller)
    _obey(controller)
    for quarter in range(48):
        now += timedelta(minutes=15)
        newcomer = ("cp_b", "cp_c")[quarter % 2]
        gone = controller.bays.get((newcomer, 1))
        if gone is not None:
            stopped = _transaction(gone.number, stopped_at=now)
            controller.receive(newcomer, _event(EventKind.TRANSACTION_STOPPED, stopped), now)
        started = _transaction(quarter + 2)
        controller.receive(newcomer, _event(EventKind.TRANSACTION_STARTED, started), now)
        _obey(controller, now)
        served += controller.bays[_KEY].charges
    assert served >= 16


def test_two_turns_of_three_are_had_by_each() -> None:
    controller, now = _controller("cp_b", "cp_c", amps=13), _AT
    for number, one in enumerate((_CP, "cp_b", "cp_c")):
        _begin(controller, one, number + 1)
    served = dict.fromkeys(controller.bays, 0)
    for _ in range(30):
        _obey(controller, now)
        for key, bay in controller.bays.items():
            served[key] += bay.charges
        now += timedelta(minutes=15)
    assert list(served.values()) == [20, 20, 20]


@pytest.mark.parametrize(
    ("comes", "state"), [(True, FeatureState.ACTIVE), (False, FeatureState.FAILED)]
)
def test_what_a_connector_reports_may_be_the_limit_of_a_vehicle_that_has_come(
    comes: bool, state: FeatureState
) -> None:
    controller = _controller()
    controller.limit = SiteLimit(amps=30)
    (asked,) = controller.to_prepare(_AT)
    idle = controller.idle(asked)
    if comes:
        _begin(controller)
        _obey(controller)
    reports_more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, detail="30 A")
    controller.prepared(asked, _terms(controller, asked), reports_more, _AT, idle=idle)
    assert controller.stations[_CP].state is state
    retry_at = controller.stations[_CP].retry_at
    assert retry_at is not None
    assert retry_at - _AT == (SitePace().unanswered if comes else SitePace().refused)


def test_a_node_that_does_not_answer_holds_up_one_round_for_all_that_it_has() -> None:
    controller = _controller("cp_b")
    _begin(controller)
    _begin(controller, "cp_b", 2)
    _answer(controller, _KEY, 10, Reply.UNKNOWN, _AT)
    assert set(controller.targets(_AT)) == {("cp_b", 1)}
    controller.leave_alone("node_1", _AT)
    assert controller.targets(_AT) == {}
    assert len(controller.targets(_AT + timedelta(seconds=30))) == 2


@pytest.mark.parametrize("told", ["with the charge point", "later", "by its vehicle"])
def test_two_vehicles_at_one_charge_point_draw_no_more_than_its_cable_carries(told: str) -> None:
    """However it is known that there is a second connector."""
    second = replace(_connector(ConnectorStatus.AVAILABLE), connector_id=2)
    facts = _facts(_CP)
    if told == "with the charge point":
        facts = replace(facts, connectors=(*facts.connectors, second))
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(100, facts), _AT)
    _prepare(controller)
    if told == "later":
        event = ChargePointEvent(
            event_id="evt_4", kind=EventKind.CONNECTOR, at=_AT, connector=second
        )
        controller.receive(_CP, event, _AT)
    for number in (1, 2):
        vehicle = replace(_transaction(number), connector_id=number)
        controller.receive(_CP, _event(EventKind.TRANSACTION_STARTED, vehicle), _AT)
    _obey(controller)
    bounds = {outlet.bay: outlet.bound for outlet in controller.outlets()}
    assert bounds == {(_CP, 1): 16, (_CP, 2): 16}


def test_a_transaction_that_was_overtaken_never_comes_back() -> None:
    """Its end was never told, so that it is among what runs; the later one has ended since."""
    first, second = _transaction(1), _transaction(2)
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(20, _facts(_CP, transactions=(first,))), _AT)
    controller.receive(_CP, _event(EventKind.TRANSACTION_STARTED, second), _AT)
    ended = _transaction(2, stopped_at=_AT)
    controller.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, ended), _AT)
    controller.load(_site(20, _facts(_CP, transactions=(first,))), _AT)
    assert controller.running() == frozenset()


def _reconnect(controller: SiteController, at: datetime) -> None:
    link = controller.stations[_CP].connection
    assert link is not None
    again = replace(link, generation=link.generation + 1, at=at)
    event = ChargePointEvent(event_id="evt_9", kind=EventKind.CONNECTED, at=at, connection=again)
    controller.receive(_CP, event, at)


@pytest.mark.parametrize("boots", [True, False])
def test_after_a_reconnect_it_is_told_once(boots: bool) -> None:
    """It may say yet that it has restarted; if it does not, it is told after a moment."""
    controller = _controller()
    _begin(controller)
    _obey(controller)
    now = _AT + timedelta(minutes=1)
    _reconnect(controller, now)
    assert controller.to_prepare(now) == []
    assert controller.targets(now) == {}
    if boots:
        boot = ChargePointEvent(event_id="evt_8", kind=EventKind.BOOT, at=now)
        controller.receive(_CP, boot, now)
    else:
        pause = controller.next_look(now, began=now)
        assert pause == timedelta(seconds=2)
        now += pause
    (station,) = controller.to_prepare(now)
    assert lower(controller.outlets(), controller.targets(now)) == {_KEY: 20}, (
        "it is told again, too"
    )
    _answer_terms(controller, station, _ACCEPTED, now)
    assert controller.to_prepare(now + timedelta(minutes=1)) == []


def test_who_connects_for_the_first_time_is_told_after_a_moment() -> None:
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(20, _facts(_CP, connection=None)), _AT)
    link = _facts(_CP).connection
    assert link is not None
    first = replace(link, at=_AT)
    event = ChargePointEvent(event_id="evt_9", kind=EventKind.CONNECTED, at=_AT, connection=first)
    assert controller.receive(_CP, event, _AT)
    assert controller.to_prepare(_AT) == []
    assert [one.charge_point_id for one in controller.to_prepare(_AT + timedelta(seconds=2))] == [
        _CP
    ]


def test_what_a_station_says_of_itself_is_no_outlet() -> None:
    """Connector 0 is the station as a whole (OCPP 1.6 §3.14)."""
    controller = _controller()
    before = controller.stations[_CP]
    station = replace(_connector(ConnectorStatus.AVAILABLE), connector_id=0)
    event = ChargePointEvent(event_id="evt_4", kind=EventKind.CONNECTOR, at=_AT, connector=station)
    assert not controller.receive(_CP, event, _AT)
    assert controller.stations[_CP] == before


def test_nothing_is_cleared_first_while_a_vehicle_charges() -> None:
    controller = SiteController(Carried(), SitePace())
    controller.load(_site(20, _facts(_CP)), _AT)
    (station,) = controller.to_prepare(_AT)
    assert controller.request(station, _terms(controller, station)).afresh
    _begin(controller)
    assert not controller.request(station, _terms(controller, station)).afresh


def test_who_refuses_to_be_paused_keeps_its_minimum_from_then_on() -> None:
    """It took a default of 0, and refuses the same for a session."""
    controller = _controller("cp_b", amps=11)
    _begin(controller)
    _obey(controller)
    _begin(controller, "cp_b", 2)
    now = _AT + SitePace().turn
    targets = controller.targets(now)
    assert targets == {_KEY: 0, ("cp_b", 1): 11}
    _answer(controller, _KEY, 0, Reply.REJECTED, now)
    assert controller.bays[_KEY].bound == 11
    now += timedelta(minutes=1)
    controller.reserve(now)
    assert controller.targets(now)[_KEY] >= 6
    _prepare(controller, now=now)
    told = controller.stations[_CP].told
    assert told is not None
    assert told.default_amps == 6


def test_what_is_reported_of_a_session_that_has_changed_since_is_no_proof() -> None:
    controller = _controller()
    _begin(controller)
    _obey(controller)
    asked = controller.stations[_CP]
    running = controller.confirmed_sessions(asked)
    assert [one.amps for one in running] == [20]
    _answer(controller, _KEY, 12, Reply.ACCEPTED, _AT)
    more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, detail="20 A")
    controller.prepared(asked, _terms(controller, asked), more, _AT, running=running)
    assert controller.stations[_CP].state is FeatureState.ACTIVE


def test_what_is_reported_while_a_session_is_being_raised_is_no_proof() -> None:
    """Its new limit is on its way, and counts in the charge point before anybody hears of that."""
    controller = _controller()
    _begin(controller)
    _answer(controller, _KEY, 6, Reply.ACCEPTED, _AT)
    asked = controller.stations[_CP]
    running = controller.confirmed_sessions(asked)
    controller.sends({_KEY: 20})
    assert controller.confirmed_sessions(asked) == ()
    more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, reported_amps=20, detail="20 A")
    controller.prepared(asked, _terms(controller, asked), more, _AT, running=running)
    assert controller.stations[_CP].state is FeatureState.ACTIVE
    _answer(controller, _KEY, 20, Reply.REJECTED, _AT)
    assert [one.amps for one in controller.confirmed_sessions(asked)] == [6], "as it was"


def test_one_that_was_given_up_counts_at_its_cable_whatever_it_answers_to_its_last_limit() -> None:
    """It was sent before: the others make room before its limits are lifted."""
    controller = _controller("cp_b", amps=40)
    _begin(controller, _CP, 1)
    _begin(controller, "cp_b", 2)
    _obey(controller)
    station = controller.stations[_CP]
    refused = StationLimited(reply=Reply.REJECTED, unit=RateUnit.AMPERES)
    controller.prepared(station, _terms(controller, station), refused, _AT)
    assert controller.bays[_KEY].bound == 32
    _answer(controller, _KEY, 20, Reply.ACCEPTED, _AT)
    assert controller.bays[_KEY].bound == 32
    assert controller.to_lift(_AT) == []


def test_a_session_whose_limit_is_refused_is_not_left_at_nothing() -> None:
    """It takes the default of 0, and no limit of a session: three times, and it is given up."""
    controller, now = _controller(amps=40), _AT
    controller.load(_site(40, _facts(_CP), _facts("cp_b")), now)
    _prepare(controller)
    _begin(controller)
    for _ in range(3):
        assert controller.targets(now)[_KEY] == 32
        _answer(controller, _KEY, 32, Reply.REJECTED, now)
        now += timedelta(seconds=5)
    assert controller.stations[_CP].state is FeatureState.FAILED
    assert controller.bays[_KEY].bound == 32, "the others make room first"
    (station,) = controller.to_lift(now)
    controller.lifted(_CP, Reply.REJECTED, now, whole=True)
    assert controller.to_lift(now) == []
    assert controller.to_lift(now + SitePace().insisted) != [], "until it has confirmed that"
    controller.lifted(_CP, Reply.ACCEPTED, now, whole=True)
    assert controller.stations[station.charge_point_id].free


def test_who_refuses_to_be_lowered_does_not_hold_the_supply_for_itself() -> None:
    """It was counted at its cable, and takes no limit of a session: the others wait for it."""
    controller, now = _controller(amps=40), _AT
    controller.load(_site(40, _facts(_CP), _facts("cp_b")), now)
    _prepare(controller)
    _begin(controller)
    controller.count_at_cable(controller.stations[_CP])
    _begin(controller, "cp_b", 2)
    for _ in range(3):
        assert controller.targets(now)[_KEY] == 20
        _answer(controller, _KEY, 20, Reply.REJECTED, now)
        now += SitePace().session_refused
    assert controller.stations[_CP].state is FeatureState.FAILED


@pytest.mark.parametrize(
    ("watts", "given_up"),
    [
        ([20 * 230 * 3, 22_080], False),  # once is a vehicle that follows late
        ([22_080, 22_080], True),
        ([22_080, 20 * 230 * 3, 22_080], False),
        ([22_080, None, 22_080], False),  # nothing is known
        ([20 * 230 * 3 * 1.05] * 3, False),  # meters err
    ],
)
def test_who_cannot_report_is_judged_by_what_it_draws(
    watts: list[float | None], given_up: bool
) -> None:
    controller, now = SiteController(Carried(), SitePace()), _AT
    controller.load(_site(20, _facts(_CP), _facts("cp_b")), now)
    _prepare(controller, replace(_ACCEPTED, confirmed=False, proven=False))
    _begin(controller)
    _obey(controller)
    assert controller.bays[_KEY].granted == 20
    assert controller.to_judge(now).watched == ()
    for one in watts:
        while not controller.to_judge(now).watched:
            ahead = controller.next_look(now, began=now)
            assert ahead is not None
            now += ahead
        asked = controller.to_judge(now)
        controller.drew(asked, Draws(watts={} if one is None else {1: one}), now)
    (state, _) = controller.states()
    assert (state.state is FeatureState.FAILED) is given_up
    if not given_up:
        return
    assert "draws more (22.1 kW on connector 1, where it was limited to 13.8 kW)" in str(
        state.cause
    )
    assert controller.bays[_KEY].bound == 32
    assert controller.standings()[_CP].closed == {1}
    # It would accept its limits each time: a person has it tried again.
    later = now + timedelta(days=1)
    assert [one.charge_point_id for one in controller.to_prepare(later)] == []
    controller.try_again()
    assert [one.charge_point_id for one in controller.to_prepare(later)] == [_CP]


def test_who_is_paused_or_reports_its_limits_is_not_judged() -> None:
    controller = _controller(amps=20)
    _begin(controller)
    _obey(controller)
    assert controller.bays[_KEY].judge_at is None
    controller.bays[_KEY] = replace(controller.bays[_KEY], judge_at=_AT)
    assert controller.to_judge(_AT).watched
    controller.paused = True
    assert not controller.to_judge(_AT).watched
