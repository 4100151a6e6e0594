"""The book of a site, where an answer is lost or its workflow continues as new."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.facts import ChargePointEvent, ConnectionFact, EventKind, TransactionFact
from domain.operations import Reply
from domain.power.facts import Carried, SiteSnapshot, StationFacts
from domain.power.ledger import Ledger, Pace
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, lower
from domain.power.share import BayKey
from domain.power.site import Phase, SiteLimit

_AT = datetime(2026, 6, 1, tzinfo=UTC)
_CP = "cp_a"
_KEY: BayKey = (_CP, 1)
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


def _ledger() -> Ledger:
    """A site with one charge point, which has confirmed its limits."""
    ledger = Ledger(Carried(), Pace())
    link = ConnectionFact(
        connected=True, node_id="node_1", generation=1, ocpp_version="1.6", at=_AT
    )
    facts = StationFacts(charge_point_id=_CP, max_amps=32, phases=tuple(Phase), connection=link)
    ledger.load(SiteSnapshot(limit=SiteLimit(amps=20), stations=(facts,)), _AT)
    accepted = StationLimited(reply=Reply.ACCEPTED, unit=RateUnit.AMPERES)
    (station,) = ledger.to_prepare(_AT)
    ledger.prepared(station, ledger.default_amps(station), accepted, _AT)
    return ledger


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
            ledger.limited(key, 1, amps, reply, now)
        now += timedelta(minutes=1)
    assert drawn == supply
    assert ledger.bays[_KEY].bound == supply


def test_a_raise_that_was_not_answered_is_asked_for_again() -> None:
    ledger, now = _ledger(), _AT
    ledger.receive(_CP, _event(EventKind.TRANSACTION_STARTED, _transaction(1)), now)
    ledger.limited(_KEY, 1, 0, Reply.ACCEPTED, now)
    ledger.limited(_KEY, 1, 20, Reply.UNKNOWN, now)
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
