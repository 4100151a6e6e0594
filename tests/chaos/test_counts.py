"""The counting itself: each broken promise is seen, by evidence that was made up."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.counts import broken_promises
from tests.chaos.evidence import Evidence, Workflow

_AT = datetime(2026, 5, 1, tzinfo=UTC)
_RUN = SimpleNamespace(
    id="com_1",
    charge_point_id="cp_1",
    status="completed",
    view={"status": "completed"},
    id_tag="A1",
)
_OPEN = SimpleNamespace(**vars(_RUN) | {"status": "in_progress", "view": None})
_START = SimpleNamespace(
    intent="com_1:start:1", charge_point_id="cp_1", operation="start_test_transaction"
)
_ENDED = SimpleNamespace(
    id=7, charge_point_id="cp_1", connector_id=1, started_at=_AT, stopped_at=_AT
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
        "strays": frozenset(),
    }
    return Evidence(**whole | changes)


def _charger(*, starts: int = 1, resets: int = 0, charging: tuple[int | None, ...] = ()) -> Any:
    transactions = [SimpleNamespace(transaction_id=number) for number in charging]
    virtual = SimpleNamespace(
        id_tags=Counter({"A1": starts}), resets=resets, transactions=transactions
    )
    return SimpleNamespace(charge_point_id="cp_1", virtual=virtual)


def _broken(evidence: Evidence, charger: Any) -> set[str]:
    found = broken_promises(evidence, [charger], {"com_1": "cp_1"})
    return {what for what, which in found.items() if which}


def test_nothing_is_broken_when_nothing_is() -> None:
    assert _broken(_evidence(), _charger()) == set()
    alarmed = _evidence(transactions=[_GOES_ON], strays=frozenset({"stray-transaction-7"}))
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
    assert _broken(_evidence(), _charger(starts=2)) == {"RemoteStart more often than intended"}
    assert _broken(_evidence(), _charger(resets=1)) == {"Reset more often than intended"}
    for charging in (9, None):
        assert _broken(_evidence(), _charger(charging=(charging,))) == {
            "transactions left running without an alarm"
        }
