"""The counting at the site: each broken promise is seen, by evidence that was made up."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.site import Site
from tests.chaos.site_counts import SiteEvidence, broken_at_site

_ENDED = SimpleNamespace(
    id=7, charge_point_id="cp_1", commissioning_id=None, id_tag="CARD", stopped_at="now"
)
_RUNS = SimpleNamespace(**vars(_ENDED) | {"stopped_at": None})
_OF_A_RUN = SimpleNamespace(**vars(_ENDED) | {"id": 3, "commissioning_id": "com_1"})
_TOLD_LATE = SimpleNamespace(**vars(_ENDED) | {"id": 3, "id_tag": "TEST"})
_CDR = SimpleNamespace(transaction_id=7, credit=False)
_CREDIT = SimpleNamespace(transaction_id=7, credit=True)
_OF_A_TEST = SimpleNamespace(transaction_id=3, credit=False)


class _Session(SimpleNamespace):
    """A session of a charge point: itself, and no other."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def _evidence(**changes: Any) -> SiteEvidence:
    whole: Any = {
        "transactions": [_ENDED],
        "records": [_CDR],
        "held": frozenset(),
        "test_tags": frozenset({"TEST"}),
        "active": frozenset({"cp_1"}),
        "shared": True,
    }
    return SiteEvidence(**whole | changes)


def _broken(evidence: SiteEvidence, **changes: Any) -> set[str]:
    charger: Any = SimpleNamespace(charge_point_id="cp_1")
    saw: Any = {"chargers": [charger]}
    site = Site(project_id="prj_1", limit=14, **saw | changes)
    return {what for what, which in broken_at_site(evidence, site).items() if which}


def _session(number: int | None, *, at: str = "cp_1") -> Any:
    return {_Session(transaction_id=number): at}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"records": []}, "ended sessions without a charge detail record"),
        ({"records": [_CDR, _CREDIT]}, "ended sessions without a charge detail record"),
        ({"records": [_CDR, _CDR]}, "sessions billed twice"),
        ({"held": frozenset({7})}, "sessions billed twice"),
        ({"records": [_CDR, _OF_A_TEST]}, "charge detail records of nothing"),
        (
            {"transactions": [_ENDED, _OF_A_RUN], "records": [_CDR, _OF_A_TEST]},
            "test transactions billed",
        ),
        (
            {"transactions": [_ENDED, _TOLD_LATE], "records": [_CDR, _OF_A_TEST]},
            "test transactions billed",
        ),
        ({"transactions": [_RUNS]}, "sessions that are not in the records"),
        ({"active": frozenset()}, "charge points of the site not active"),
        ({"shared": False}, "sites without a workflow"),
    ],
)
def test_what_the_records_show_is_counted(changes: Any, what: str) -> None:
    assert _broken(_evidence(**changes), sessions=_session(7)) == {what}


def test_nothing_is_broken_when_nothing_is() -> None:
    corrected = [_CDR, _CREDIT, _CDR]
    for records in ([], [_CDR, _CREDIT]):  # held, and so neither lost nor billed twice
        held = _evidence(records=records, held=frozenset({7}))
        assert _broken(held, sessions=_session(7)) == set()
    for evidence in (_evidence(), _evidence(transactions=[_ENDED, _OF_A_RUN])):
        assert _broken(evidence, sessions=_session(7)) == set()
    assert _broken(_evidence(records=corrected), sessions=_session(7)) == set()


def test_what_the_charge_points_saw_is_counted() -> None:
    lost = "sessions that are not in the records"
    assert _broken(_evidence(), sessions=_session(None)) == {lost}
    assert _broken(_evidence(), sessions=_session(7, at="cp_2")) == {lost}
    assert _broken(_evidence(), sessions=_session(7) | _session(7)) == {lost}
    unbilled = "ended sessions without a charge detail record"
    assert _broken(_evidence(), sessions=_session(7) | _session(9)) == {lost, unbilled}
    assert _broken(_evidence(), sessions=_session(7), above=["31 A"]) == {
        "moments above the limit of the site"
    }
    assert _broken(_evidence(), sessions=_session(7), unused=["0 A"]) == {
        "amperes left over while vehicles waited"
    }
