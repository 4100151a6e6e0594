"""The counting itself: each broken promise is seen, by evidence that was made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from domain.failures import FailureCode
from simulator.station import Received
from tests.chaos.counts import broken_promises, unexcused
from tests.chaos.evidence import Evidence, Workflow

_AT = datetime(2026, 5, 1, tzinfo=UTC)
_RUN = SimpleNamespace(
    id="com_1",
    charge_point_id="cp_1",
    status="completed",
    view=SimpleNamespace(status="completed"),
    id_tag="A1",
)
_OPEN = SimpleNamespace(**vars(_RUN) | {"status": "in_progress", "view": None})
_START = SimpleNamespace(
    intent="com_1:start:1",
    charge_point_id="cp_1",
    operation="start_test_transaction",
    sent_at=_AT,
)
_SECOND = timedelta(seconds=1)
_START_AGAIN = SimpleNamespace(
    **vars(_START) | {"intent": "com_1:start:2", "sent_at": _AT + 60 * _SECOND}
)
_ENDED = SimpleNamespace(
    id=7, ocpp_id="7", charge_point_id="cp_1", evse_id=1, started_at=_AT, stopped_at=_AT
)
_GOES_ON = SimpleNamespace(**vars(_ENDED) | {"stopped_at": None})
_CLOSED = Workflow(commissioning_id="com_1", running=False)
_RUNNING = Workflow(commissioning_id="com_1", running=True)


def _evidence(**changes: Any) -> Evidence:
    whole: Any = {
        "runs": [_RUN],
        "commands": [_START],
        "transactions": [_ENDED],
        "verdict_entries": {"com_1": 1},
        "owned": [],
        "workflows": [_CLOSED],
        "orphaned": frozenset(),
    }
    return Evidence(**whole | changes)


def _charger(
    *others: str,
    starts: tuple[int, ...] = (1,),
    charging: tuple[int | None, ...] = (),
    excuses: frozenset[FailureCode] = frozenset(),
) -> Any:
    """One that heard of remote starts so many seconds after the first intent, and of others."""
    commands = [
        Received(action="RemoteStartTransaction", id_tag="A1", at=_AT + after * _SECOND)
        for after in starts
    ] + [Received(action=action, at=_AT) for action in others]
    transactions = [SimpleNamespace(transaction_id=number) for number in charging]
    virtual = SimpleNamespace(commands=commands, transactions=transactions)
    return SimpleNamespace(charge_point_id="cp_1", virtual=virtual, excuses=excuses)


def _broken(evidence: Evidence, charger: Any) -> set[str]:
    found = broken_promises(evidence, [charger], {"com_1": "cp_1"})
    return {what for what, which in found.items() if which}


def test_nothing_is_broken_when_nothing_is() -> None:
    assert _broken(_evidence(), _charger()) == set()
    alarmed = _evidence(transactions=[_GOES_ON], orphaned=frozenset({"stray-transaction-cp_1-7"}))
    assert _broken(alarmed, _charger(charging=(7,))) == set()


@pytest.mark.parametrize(
    ("evidence", "what"),
    [
        (_evidence(runs=[]), "acknowledged runs without a verdict"),
        (_evidence(verdict_entries={"com_1": 2}), "runs with two verdicts"),
        (_evidence(workflows=[_CLOSED, _CLOSED]), "runs with two verdicts"),
        (_evidence(commands=[]), "RemoteStart more often than intended"),
        (_evidence(transactions=[_GOES_ON]), "transactions left running without an alarm"),
        (_evidence(runs=[_OPEN]), "rows without a workflow"),
        (_evidence(workflows=[]), "rows without a workflow"),
        (_evidence(workflows=[_RUNNING]), "workflows without a row"),
        (
            _evidence(workflows=[_CLOSED, replace(_CLOSED, commissioning_id="com_2")]),
            "workflows without a row",
        ),
        (_evidence(owned=["cp_1"]), "charge points owned by an ended run"),
        (_evidence(transactions=[_ENDED, _ENDED]), "duplicate transactions"),
    ],
)
def test_what_the_records_show_is_counted(evidence: Evidence, what: str) -> None:
    assert what in _broken(evidence, _charger())


def test_what_the_charge_point_saw_is_counted() -> None:
    for action in ("RemoteStart", "Reset", "UpdateFirmware"):
        charger = _charger(action) if action != "RemoteStart" else _charger(starts=(1, 2))
        assert _broken(_evidence(), charger) == {f"{action} more often than intended"}
    for charging in (9, None):
        assert _broken(_evidence(), _charger(charging=(charging,))) == {
            "transactions left running without an alarm"
        }


def test_a_frame_sent_twice_is_seen_though_another_never_arrived() -> None:
    both = _evidence(commands=[_START, _START_AGAIN])
    assert _broken(both, _charger(starts=(1, 61))) == set()
    assert _broken(both, _charger(starts=(61, 62))) == set()  # the first was held up for a minute
    assert _broken(both, _charger(starts=(1, 2))) == {"RemoteStart more often than intended"}


def test_ever_new_intents_are_a_loop() -> None:
    commands = [
        SimpleNamespace(**vars(_START) | {"intent": f"com_1:start:{attempt}"})
        for attempt in range(1, 10)
    ]
    found = _broken(_evidence(commands=commands), _charger(starts=tuple(range(9))))
    assert found == {"runs that intend without end"}


def test_a_failure_needs_an_excuse() -> None:
    view = SimpleNamespace(failure=SimpleNamespace(code="transaction_not_stopped"))
    failed = SimpleNamespace(**vars(_RUN) | {"status": "failed", "view": view})
    excused = _charger(excuses=frozenset({FailureCode.TRANSACTION_NOT_STOPPED}))
    assert not any(unexcused(_evidence(runs=[_RUN, failed]), [excused]).values())
    found = unexcused(_evidence(runs=[failed]), [_charger()])
    assert found == {
        "runs that failed at a charge point that is well": ["com_1: transaction_not_stopped"],
        "experiments in which no run completed": ["this one"],
    }
