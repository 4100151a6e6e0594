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
from domain.power.agenda import Pace
from domain.power.facts import Carried, Draws, SiteSnapshot, StationFacts
from domain.power.ledger import Ledger
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, load, lower
from domain.power.share import BayKey
from domain.power.site import Phase, SiteLimit
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
        transaction_id=number,
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


def _prepare(ledger: Ledger, answer: StationLimited = _ACCEPTED, now: datetime = _AT) -> None:
    ledger.reserve(now)
    for station in ledger.to_prepare(now):
        _answer_terms(ledger, station, answer, now)


def _terms(ledger: Ledger, station: Station, now: datetime = _AT) -> Terms:
    terms = ledger.terms(station, now)
    assert terms is not None
    return terms


def _answer_terms(
    ledger: Ledger, station: Station, answer: StationLimited, now: datetime = _AT
) -> None:
    ledger.prepared(station, _terms(ledger, station, now), answer, now)


def _ledger(*others: str, amps: float = 20) -> Ledger:
    """A site whose charge points have confirmed their limits."""
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(amps, *(_facts(one) for one in (_CP, *others))), _AT)
    _prepare(ledger)
    return ledger


def _begin(ledger: Ledger, charge_point_id: str = _CP, number: int = 1) -> None:
    event = _event(EventKind.TRANSACTION_STARTED, _transaction(number))
    ledger.receive(charge_point_id, event, _AT)


def _boot(ledger: Ledger) -> None:
    ledger.receive(_CP, ChargePointEvent(event_id="evt_2", kind=EventKind.BOOT, at=_AT), _AT)


def _obey(ledger: Ledger, now: datetime = _AT) -> None:
    """All take what they are told, down first."""
    targets = ledger.targets(now)
    for key, amps in lower(ledger.outlets(), targets).items():
        _answer(ledger, key, amps, Reply.ACCEPTED, now)
    for key, amps in higher(ledger.capacity, ledger.outlets(), targets).items():
        _answer(ledger, key, amps, Reply.ACCEPTED, now)


def _answer(ledger: Ledger, key: BayKey, amps: int, reply: Reply, now: datetime) -> None:
    restarts = ledger.stations[key[0]].restarts
    number = ledger.bays[key].transaction_id
    ledger.limited(key, number, amps, reply, now, restarts=restarts)


@given(_LOST)
def test_a_vehicle_gets_its_share_whatever_answers_were_lost(replies: list[Reply]) -> None:
    ledger, now = _ledger(), _AT
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(1)), now)
    drawn, supply = 0, 20
    for round_, reply in enumerate([*replies, Reply.ACCEPTED, Reply.ACCEPTED]):
        if round_ < len(replies):  # at last nothing changes any more, and nothing is lost
            supply = 39 - supply
        ledger.limit = SiteLimit(amps=supply)
        targets, outlets = ledger.targets(now), ledger.outlets()
        asked = lower(outlets, targets) | higher(ledger.capacity, outlets, targets)
        for key, amps in asked.items():
            if reply is not Reply.UNKNOWN:  # the question was lost already
                drawn = amps
            _answer(ledger, key, amps, reply, now)
        now += timedelta(minutes=1)
    assert drawn == supply
    assert ledger.bays[_KEY].bound == supply


def test_a_raise_that_was_not_answered_is_asked_for_again() -> None:
    ledger, now = _ledger(), _AT
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(1)), now)
    _answer(ledger, _KEY, 0, Reply.ACCEPTED, now)
    _answer(ledger, _KEY, 20, Reply.UNKNOWN, now)
    now += timedelta(minutes=1)
    assert lower(ledger.outlets(), ledger.targets(now)) == {_KEY: 20}


def test_who_has_ended_stays_ended_when_the_workflow_continues_as_new() -> None:
    ledger = _ledger()
    started = _event(EventKind.TRANSACTION_STARTED, _transaction(1))
    ledger.receive(_CP, started, _AT)
    stopped = _transaction(1, stopped_at=_AT)
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, stopped), _AT)
    continued = Ledger(ledger.carried(), Pace())
    assert not continued.receive(_CP, started, _AT), "it was told late, or again"
    assert not continued.bays


def test_only_so_many_ended_transactions_are_remembered() -> None:
    ledger = _ledger()
    for number in range(1, 2000):
        stopped = _transaction(number, stopped_at=_AT)
        ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(number)), _AT)
        ledger.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, stopped), _AT)
    ended = ledger.carried().ended
    assert len(ended) <= 500
    assert ended[-1] == 1999


def test_who_refuses_its_limits_is_counted_at_its_cable_though_it_took_them_before() -> None:
    ledger = _ledger("cp_b")
    _begin(ledger)
    _obey(ledger)
    assert load(ledger.outlets())[Phase.L1] == 20
    link = ledger.stations[_CP].connection
    assert link is not None
    event = ChargePointEvent(
        event_id="evt_3",
        kind=EventKind.CONNECTED,
        at=_AT,
        connection=replace(link, generation=2),
    )
    ledger.receive(_CP, event, _AT)
    _prepare(ledger, _REJECTED)
    assert ledger.stations[_CP].state is FeatureState.FAILED
    _begin(ledger, "cp_b", 2)
    assert ledger.bays[_KEY].bound == 32
    assert ledger.targets(_AT) == {("cp_b", 1): 0}
    # It takes them an hour later.
    now = _AT + timedelta(hours=1)
    _prepare(ledger, now=now)
    _obey(ledger, now)
    assert load(ledger.outlets())[Phase.L1] == 20
    assert ledger.bays[_KEY].bound == 10


@pytest.mark.parametrize("answer", [_ACCEPTED, _SILENT, None])
def test_who_restarts_has_five_seconds_to_confirm_its_limits(
    answer: StationLimited | None,
) -> None:
    ledger = _ledger("cp_b")
    _begin(ledger)
    _obey(ledger)
    _boot(ledger)
    if answer is not None:
        _prepare(ledger, answer)
    ledger.lose_trust(_AT + timedelta(seconds=4.9))
    assert ledger.bays[_KEY].bound == 20, "a bad link makes many a charge point boot"
    pause = ledger.next_look(_AT, began=_AT)
    assert (pause == timedelta(seconds=5)) is (answer is not _ACCEPTED)
    late = _AT + timedelta(seconds=6)  # the decision that began at _AT took so long
    assert (ledger.next_look(late, began=_AT) == timedelta()) is (answer is not _ACCEPTED)
    ledger.lose_trust(_AT + timedelta(seconds=5))
    cable = 20 if answer is _ACCEPTED else 32
    assert ledger.bays[_KEY].bound == cable
    assert ledger.stations[_CP].default_bound == (0 if answer is _ACCEPTED else 32)


def test_what_was_answered_before_a_restart_counts_for_nothing() -> None:
    ledger = _ledger("cp_b")
    _begin(ledger)
    asked = ledger.stations[_CP]
    _boot(ledger)
    ledger.prepared(asked, _terms(ledger, asked), _ACCEPTED, _AT)
    assert ledger.to_prepare(_AT) == [ledger.stations[_CP]]
    ledger.limited(_KEY, 1, 20, Reply.ACCEPTED, _AT, restarts=asked.restarts)
    assert ledger.bays[_KEY].bound == 20
    assert lower(ledger.outlets(), ledger.targets(_AT)) == {_KEY: 20}


@pytest.mark.parametrize("amps", [10, 60])
def test_another_limit_of_the_supply_is_told_to_each_charge_point(amps: float) -> None:
    ledger = _ledger()
    ledger.limit = SiteLimit(amps=amps)
    (station,) = ledger.to_prepare(_AT)
    assert _terms(ledger, station).station_amps == (10 if amps == 10 else 32)


def test_another_number_of_phases_is_told_to_each_charge_point_and_session() -> None:
    ledger = _ledger()
    _begin(ledger)
    _obey(ledger)
    facts = _facts(_CP, phases=(Phase.L1,), transactions=(_transaction(1),))
    ledger.load(_site(20, facts), _AT)
    assert [_terms(ledger, one).phases for one in ledger.to_prepare(_AT)] == [1]
    assert lower(ledger.outlets(), ledger.targets(_AT)) == {_KEY: 20}


def test_a_snapshot_that_was_asked_for_before_a_change_does_not_undo_it() -> None:
    ledger = _ledger()
    ledger.limit, ledger.paused = SiteLimit(amps=6), True
    ledger.load(_site(20, _facts("cp_b")), _AT, charge_points_only=True)
    assert (ledger.limit.amps, ledger.paused) == (6, True)
    assert "cp_b" in ledger.stations


def test_a_session_whose_end_was_lost_gives_its_share_back() -> None:
    ledger = _ledger("cp_b")
    _begin(ledger)
    _begin(ledger, "cp_b", 2)

    def tell(status: ConnectorStatus, at: datetime) -> None:
        event = ChargePointEvent(
            event_id="evt_4", kind=EventKind.CONNECTOR, at=at, connector=_connector(status, at)
        )
        ledger.receive(_CP, event, _AT)

    tell(ConnectorStatus.AVAILABLE, _AT)  # from before it began
    _obey(ledger)
    assert [bay.granted for bay in ledger.bays.values()] == [10, 10]
    tell(ConnectorStatus.AVAILABLE, _AT + timedelta(minutes=1))
    _obey(ledger)
    assert [bay.granted for bay in ledger.bays.values()] == [6, 14]


def test_a_lifting_that_was_not_answered_may_count_or_not() -> None:
    ledger = _ledger()
    _begin(ledger)
    _obey(ledger)
    ledger.paused = True
    ledger.lifted(_CP, Reply.TIMEOUT, _AT)
    assert ledger.bays[_KEY].bound == 32
    later = _AT + timedelta(minutes=1)
    assert ledger.to_lift(later)
    ledger.paused = False
    assert ledger.to_prepare(later)


def test_who_cannot_report_takes_part_and_is_said_to_be_unconfirmed() -> None:
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(20, _facts(_CP)), _AT)
    _prepare(ledger, replace(_ACCEPTED, confirmed=False, proven=False))
    (state,) = ledger.states()
    assert state.state is FeatureState.ACTIVE
    assert "not confirmed" in str(state.cause)
    assert ledger.to_prepare(_AT + timedelta(days=1)) == []
    _begin(ledger)
    _obey(ledger)
    assert ledger.bays[_KEY].granted == 20
    # It may be able to with a session. It is asked then, once.
    assert ledger.to_prepare(_AT) == [ledger.stations[_CP]]
    running = ledger.confirmed_sessions(ledger.stations[_CP])
    limited = replace(_ACCEPTED, confirmed=False, proven=False)
    station = ledger.stations[_CP]
    ledger.prepared(station, _terms(ledger, station), limited, _AT, running=running)
    assert ledger.to_prepare(_AT) == []
    assert ledger.states() == [state]


def test_who_was_told_before_its_connectors_were_known_is_asked_about_them_and_not_blamed() -> None:
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(20, _facts(_CP, connectors=())), _AT)
    _prepare(ledger, replace(_ACCEPTED, proven=False))
    assert [(one.state, one.cause) for one in ledger.states()] == [(FeatureState.ACTIVE, None)]
    assert ledger.to_prepare(_AT) == []
    ledger.load(_site(20, _facts(_CP)), _AT)
    (station,) = ledger.to_prepare(_AT)
    idle, silent = ledger.idle(station), replace(_ACCEPTED, proven=False)
    assert idle == (1,)
    ledger.prepared(station, _terms(ledger, station), silent, _AT, idle=idle)
    (state,) = ledger.states()
    assert "does not report what limits a connector" in str(state.cause)
    assert ledger.to_prepare(_AT + timedelta(days=1)) == []


def test_who_does_not_share_yet_is_told_why_and_what_to_do() -> None:
    ledger = Ledger(Carried(), Pace())
    offline = replace(_facts("cp_c"), connection=None)
    ledger.load(_site(20, _facts(_CP), _facts("cp_b"), offline), _AT)
    silent = ledger.stations["cp_b"]
    _answer_terms(ledger, silent, replace(_ACCEPTED, reply=Reply.TIMEOUT))
    told, asked_again, away = ledger.states()
    assert {one.state for one in (told, asked_again, away)} == {FeatureState.ACTIVATING}
    assert "It is being told its limits. 32 A a phase" in str(told.cause)
    assert "It does not answer to its limits" in str(asked_again.cause)
    assert "Restart it" in str(asked_again.action)
    assert "It is offline" in str(away.cause)
    assert "Bring it online" in str(away.action)
    ledger.paused = True
    assert {one.state for one in ledger.states()} == {FeatureState.PAUSED}
    assert all("paused" in str(one.cause) and one.action for one in ledger.states())


def test_watts_count_as_if_one_phase_carried_them() -> None:
    """A vehicle on three phases needs 18 A of one phase's worth, or all that the cable carries."""
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(40, _facts(_CP), _facts("cp_b")), _AT)
    _prepare(ledger, replace(_ACCEPTED, unit=RateUnit.WATTS))
    _begin(ledger)
    _begin(ledger, "cp_b", 2)
    _obey(ledger)
    assert [bay.granted for bay in ledger.bays.values()] == [20, 20]
    assert ledger.stations[_CP].form.watts(20) == 4_600
    assert ledger.stations[_CP].form.watts(32) == 22_080
    ledger.limit = SiteLimit(amps=30)
    _obey(ledger)
    assert sorted(bay.granted for bay in ledger.bays.values()) == [0, 30]


def test_turns_are_taken_in_the_order_of_waiting() -> None:
    """A newcomer each quarter of an hour, at two bays in turn: who was first has every third."""
    ledger, now, served = _ledger("cp_b", "cp_c", amps=6), _AT, 0
    _begin(ledger)
    _obey(ledger)
    for quarter in range(48):
        now += timedelta(minutes=15)
        newcomer = ("cp_b", "cp_c")[quarter % 2]
        gone = ledger.bays.get((newcomer, 1))
        if gone is not None:
            stopped = _transaction(gone.transaction_id, stopped_at=now)
            ledger.receive(newcomer, _event(EventKind.TRANSACTION_STOPPED, stopped), now)
        started = _transaction(quarter + 2)
        ledger.receive(newcomer, _event(EventKind.TRANSACTION_STARTED, started), now)
        _obey(ledger, now)
        served += ledger.bays[_KEY].charges
    assert served >= 16


def test_two_turns_of_three_are_had_by_each() -> None:
    ledger, now = _ledger("cp_b", "cp_c", amps=13), _AT
    for number, one in enumerate((_CP, "cp_b", "cp_c")):
        _begin(ledger, one, number + 1)
    served = dict.fromkeys(ledger.bays, 0)
    for _ in range(30):
        _obey(ledger, now)
        for key, bay in ledger.bays.items():
            served[key] += bay.charges
        now += timedelta(minutes=15)
    assert list(served.values()) == [20, 20, 20]


@pytest.mark.parametrize(
    ("comes", "state"), [(True, FeatureState.ACTIVE), (False, FeatureState.FAILED)]
)
def test_what_a_connector_reports_may_be_the_limit_of_a_vehicle_that_has_come(
    comes: bool, state: FeatureState
) -> None:
    ledger = _ledger()
    ledger.limit = SiteLimit(amps=30)
    (asked,) = ledger.to_prepare(_AT)
    idle = ledger.idle(asked)
    if comes:
        _begin(ledger)
        _obey(ledger)
    reports_more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, detail="30 A")
    ledger.prepared(asked, _terms(ledger, asked), reports_more, _AT, idle=idle)
    assert ledger.stations[_CP].state is state
    retry_at = ledger.stations[_CP].retry_at
    assert retry_at is not None
    assert retry_at - _AT == (Pace().unanswered if comes else Pace().refused)


def test_a_node_that_does_not_answer_holds_up_one_round_for_all_that_it_has() -> None:
    ledger = _ledger("cp_b")
    _begin(ledger)
    _begin(ledger, "cp_b", 2)
    _answer(ledger, _KEY, 10, Reply.UNKNOWN, _AT)
    assert set(ledger.targets(_AT)) == {("cp_b", 1)}
    ledger.leave_alone("node_1", _AT)
    assert ledger.targets(_AT) == {}
    assert len(ledger.targets(_AT + timedelta(seconds=30))) == 2


@pytest.mark.parametrize("told", ["with the charge point", "later", "by its vehicle"])
def test_two_vehicles_at_one_charge_point_draw_no_more_than_its_cable_carries(told: str) -> None:
    """However it is known that there is a second connector."""
    second = replace(_connector(ConnectorStatus.AVAILABLE), connector_id=2)
    facts = _facts(_CP)
    if told == "with the charge point":
        facts = replace(facts, connectors=(*facts.connectors, second))
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(100, facts), _AT)
    _prepare(ledger)
    if told == "later":
        event = ChargePointEvent(
            event_id="evt_4", kind=EventKind.CONNECTOR, at=_AT, connector=second
        )
        ledger.receive(_CP, event, _AT)
    for number in (1, 2):
        vehicle = replace(_transaction(number), connector_id=number)
        ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, vehicle), _AT)
    _obey(ledger)
    bounds = {outlet.bay: outlet.bound for outlet in ledger.outlets()}
    assert bounds == {(_CP, 1): 16, (_CP, 2): 16}


def test_a_transaction_that_was_overtaken_never_comes_back() -> None:
    """Its end was never told, so that it is among what runs; the later one has ended since."""
    first, second = _transaction(1), _transaction(2)
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(20, _facts(_CP, transactions=(first,))), _AT)
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, second), _AT)
    ended = _transaction(2, stopped_at=_AT)
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STOPPED, ended), _AT)
    ledger.load(_site(20, _facts(_CP, transactions=(first,))), _AT)
    assert ledger.running() == frozenset()


def _reconnect(ledger: Ledger, at: datetime) -> None:
    link = ledger.stations[_CP].connection
    assert link is not None
    again = replace(link, generation=link.generation + 1, at=at)
    event = ChargePointEvent(event_id="evt_9", kind=EventKind.CONNECTED, at=at, connection=again)
    ledger.receive(_CP, event, at)


@pytest.mark.parametrize("boots", [True, False])
def test_after_a_reconnect_it_is_told_once(boots: bool) -> None:
    """It may say yet that it has restarted; if it does not, it is told after a moment."""
    ledger = _ledger()
    _begin(ledger)
    _obey(ledger)
    now = _AT + timedelta(minutes=1)
    _reconnect(ledger, now)
    assert ledger.to_prepare(now) == []
    assert ledger.targets(now) == {}
    if boots:
        boot = ChargePointEvent(event_id="evt_8", kind=EventKind.BOOT, at=now)
        ledger.receive(_CP, boot, now)
    else:
        pause = ledger.next_look(now, began=now)
        assert pause == timedelta(seconds=2)
        now += pause
    (station,) = ledger.to_prepare(now)
    assert lower(ledger.outlets(), ledger.targets(now)) == {_KEY: 20}, "it is told again, too"
    _answer_terms(ledger, station, _ACCEPTED, now)
    assert ledger.to_prepare(now + timedelta(minutes=1)) == []


def test_who_connects_for_the_first_time_is_told_after_a_moment() -> None:
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(20, _facts(_CP, connection=None)), _AT)
    link = _facts(_CP).connection
    assert link is not None
    first = replace(link, at=_AT)
    event = ChargePointEvent(event_id="evt_9", kind=EventKind.CONNECTED, at=_AT, connection=first)
    assert ledger.receive(_CP, event, _AT)
    assert ledger.to_prepare(_AT) == []
    assert [one.charge_point_id for one in ledger.to_prepare(_AT + timedelta(seconds=2))] == [_CP]


def test_what_a_station_says_of_itself_is_no_outlet() -> None:
    """Connector 0 is the station as a whole (OCPP 1.6 §3.14)."""
    ledger = _ledger()
    before = ledger.stations[_CP]
    station = replace(_connector(ConnectorStatus.AVAILABLE), connector_id=0)
    event = ChargePointEvent(event_id="evt_4", kind=EventKind.CONNECTOR, at=_AT, connector=station)
    assert not ledger.receive(_CP, event, _AT)
    assert ledger.stations[_CP] == before


def test_nothing_is_cleared_first_while_a_vehicle_charges() -> None:
    ledger = Ledger(Carried(), Pace())
    ledger.load(_site(20, _facts(_CP)), _AT)
    (station,) = ledger.to_prepare(_AT)
    assert ledger.request(station, _terms(ledger, station)).afresh
    _begin(ledger)
    assert not ledger.request(station, _terms(ledger, station)).afresh


def test_who_refuses_to_be_paused_keeps_its_minimum_from_then_on() -> None:
    """It took a default of 0, and refuses the same for a session."""
    ledger = _ledger("cp_b", amps=11)
    _begin(ledger)
    _obey(ledger)
    _begin(ledger, "cp_b", 2)
    now = _AT + Pace().turn
    targets = ledger.targets(now)
    assert targets == {_KEY: 0, ("cp_b", 1): 11}
    _answer(ledger, _KEY, 0, Reply.REJECTED, now)
    assert ledger.bays[_KEY].bound == 11
    now += timedelta(minutes=1)
    ledger.reserve(now)
    assert ledger.targets(now)[_KEY] >= 6
    _prepare(ledger, now=now)
    told = ledger.stations[_CP].told
    assert told is not None
    assert told.default_amps == 6


def test_what_is_reported_of_a_session_that_has_changed_since_is_no_proof() -> None:
    ledger = _ledger()
    _begin(ledger)
    _obey(ledger)
    asked = ledger.stations[_CP]
    running = ledger.confirmed_sessions(asked)
    assert [one.amps for one in running] == [20]
    _answer(ledger, _KEY, 12, Reply.ACCEPTED, _AT)
    more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, detail="20 A")
    ledger.prepared(asked, _terms(ledger, asked), more, _AT, running=running)
    assert ledger.stations[_CP].state is FeatureState.ACTIVE


def test_what_is_reported_while_a_session_is_being_raised_is_no_proof() -> None:
    """Its new limit is on its way, and counts in the charge point before anybody hears of that."""
    ledger = _ledger()
    _begin(ledger)
    _answer(ledger, _KEY, 6, Reply.ACCEPTED, _AT)
    asked = ledger.stations[_CP]
    running = ledger.confirmed_sessions(asked)
    ledger.sends({_KEY: 20})
    assert ledger.confirmed_sessions(asked) == ()
    more = StationLimited(reply=Reply.ERROR, unit=RateUnit.AMPERES, reported_amps=20, detail="20 A")
    ledger.prepared(asked, _terms(ledger, asked), more, _AT, running=running)
    assert ledger.stations[_CP].state is FeatureState.ACTIVE
    _answer(ledger, _KEY, 20, Reply.REJECTED, _AT)
    assert [one.amps for one in ledger.confirmed_sessions(asked)] == [6], "as it was"


def test_one_that_was_given_up_counts_at_its_cable_whatever_it_answers_to_its_last_limit() -> None:
    """It was sent before: the others make room before its limits are lifted."""
    ledger = _ledger("cp_b", amps=40)
    _begin(ledger, _CP, 1)
    _begin(ledger, "cp_b", 2)
    _obey(ledger)
    station = ledger.stations[_CP]
    refused = StationLimited(reply=Reply.REJECTED, unit=RateUnit.AMPERES)
    ledger.prepared(station, _terms(ledger, station), refused, _AT)
    assert ledger.bays[_KEY].bound == 32
    _answer(ledger, _KEY, 20, Reply.ACCEPTED, _AT)
    assert ledger.bays[_KEY].bound == 32
    assert ledger.to_lift(_AT) == []


def test_a_session_whose_limit_is_refused_is_not_left_at_nothing() -> None:
    """It takes the default of 0, and no limit of a session: three times, and it is given up."""
    ledger, now = _ledger(amps=40), _AT
    ledger.load(_site(40, _facts(_CP), _facts("cp_b")), now)
    _prepare(ledger)
    _begin(ledger)
    for _ in range(3):
        assert ledger.targets(now)[_KEY] == 32
        _answer(ledger, _KEY, 32, Reply.REJECTED, now)
        now += timedelta(seconds=5)
    assert ledger.stations[_CP].state is FeatureState.FAILED
    assert ledger.bays[_KEY].bound == 32, "the others make room first"
    (station,) = ledger.to_lift(now)
    ledger.lifted(_CP, Reply.REJECTED, now, whole=True)
    assert ledger.to_lift(now) == []
    assert ledger.to_lift(now + Pace().insisted) != [], "until it has confirmed that"
    ledger.lifted(_CP, Reply.ACCEPTED, now, whole=True)
    assert ledger.stations[station.charge_point_id].free


def test_who_refuses_to_be_lowered_does_not_hold_the_supply_for_itself() -> None:
    """It was counted at its cable, and takes no limit of a session: the others wait for it."""
    ledger, now = _ledger(amps=40), _AT
    ledger.load(_site(40, _facts(_CP), _facts("cp_b")), now)
    _prepare(ledger)
    _begin(ledger)
    ledger.count_at_cable(ledger.stations[_CP])
    _begin(ledger, "cp_b", 2)
    for _ in range(3):
        assert ledger.targets(now)[_KEY] == 20
        _answer(ledger, _KEY, 20, Reply.REJECTED, now)
        now += Pace().session_refused
    assert ledger.stations[_CP].state is FeatureState.FAILED


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
    ledger, now = Ledger(Carried(), Pace()), _AT
    ledger.load(_site(20, _facts(_CP), _facts("cp_b")), now)
    _prepare(ledger, replace(_ACCEPTED, confirmed=False, proven=False))
    _begin(ledger)
    _obey(ledger)
    assert ledger.bays[_KEY].granted == 20
    assert ledger.to_judge(now).watched == ()
    for one in watts:
        while not ledger.to_judge(now).watched:
            ahead = ledger.next_look(now, began=now)
            assert ahead is not None
            now += ahead
        asked = ledger.to_judge(now)
        ledger.drew(asked, Draws(watts={} if one is None else {1: one}), now)
    (state, _) = ledger.states()
    assert (state.state is FeatureState.FAILED) is given_up
    if not given_up:
        return
    assert "draws more (22.1 kW on connector 1, where it was limited to 13.8 kW)" in str(
        state.cause
    )
    assert ledger.bays[_KEY].bound == 32
    assert ledger.standings()[_CP].closed == {1}
    # It would accept its limits each time: a person has it tried again.
    later = now + timedelta(days=1)
    assert [one.charge_point_id for one in ledger.to_prepare(later)] == []
    ledger.try_again()
    assert [one.charge_point_id for one in ledger.to_prepare(later)] == [_CP]


def test_who_is_paused_or_reports_its_limits_is_not_judged() -> None:
    ledger = _ledger(amps=20)
    _begin(ledger)
    _obey(ledger)
    assert ledger.bays[_KEY].judge_at is None
    ledger.bays[_KEY] = replace(ledger.bays[_KEY], judge_at=_AT)
    assert ledger.to_judge(_AT).watched
    ledger.paused = True
    assert not ledger.to_judge(_AT).watched
