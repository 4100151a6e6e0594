"""Is the connector ready to charge?"""

from datetime import UTC, datetime

import pytest

from domain.facts import ConnectorFact
from domain.failures import FailureCode
from domain.rules.connector import (
    ConnectorAdvice,
    connectors_of,
    describe_fault,
    is_fault,
    is_plausible,
    judge_connector,
    says_fault,
)
from domain.states import ConnectorStatus

PASS, UNPLUG = ConnectorAdvice.PASS, ConnectorAdvice.UNPLUG
MAKE_AVAILABLE, FAIL = ConnectorAdvice.MAKE_AVAILABLE, ConnectorAdvice.FAIL


def fact(
    status: str,
    *,
    connector_id: int = 1,
    error_code: str = "NoError",
    vendor_error_code: str | None = None,
    info: str | None = None,
) -> ConnectorFact:
    return ConnectorFact(
        connector_id=connector_id,
        status=status,
        error_code=error_code,
        at=datetime(2026, 5, 1, tzinfo=UTC),
        vendor_error_code=vendor_error_code,
        info=info,
    )


@pytest.mark.parametrize(
    ("status", "with_test", "without_test", "station"),
    [
        (ConnectorStatus.AVAILABLE, PASS, PASS, PASS),
        (ConnectorStatus.PREPARING, PASS, UNPLUG, PASS),
        (ConnectorStatus.OCCUPIED, PASS, UNPLUG, PASS),
        (ConnectorStatus.CHARGING, UNPLUG, UNPLUG, PASS),
        (ConnectorStatus.SUSPENDED_EV, UNPLUG, UNPLUG, PASS),
        (ConnectorStatus.SUSPENDED_EVSE, UNPLUG, UNPLUG, PASS),
        (ConnectorStatus.FINISHING, UNPLUG, UNPLUG, PASS),
        (ConnectorStatus.RESERVED, MAKE_AVAILABLE, MAKE_AVAILABLE, PASS),
        (ConnectorStatus.UNAVAILABLE, MAKE_AVAILABLE, MAKE_AVAILABLE, MAKE_AVAILABLE),
        (ConnectorStatus.FAULTED, FAIL, FAIL, FAIL),
    ],
)
def test_advice(
    status: ConnectorStatus,
    with_test: ConnectorAdvice,
    without_test: ConnectorAdvice,
    station: ConnectorAdvice,
) -> None:
    assert judge_connector(1, fact(status), test_follows=True).advice is with_test
    assert judge_connector(1, fact(status), test_follows=False).advice is without_test
    of_station = judge_connector(0, fact(status, connector_id=0), test_follows=True)
    assert of_station.advice is station


@pytest.mark.parametrize("status", list(ConnectorStatus))
def test_the_runs_own_charge_is_no_vehicle_in_the_way(status: ConnectorStatus) -> None:
    verdict = judge_connector(1, fact(status), test_follows=True, own_charge=True)
    other = {ConnectorStatus.FAULTED: FAIL, ConnectorStatus.UNAVAILABLE: MAKE_AVAILABLE}
    assert verdict.advice is other.get(status, PASS)


@pytest.mark.parametrize("status", list(ConnectorStatus))
@pytest.mark.parametrize("number", [0, 1])
def test_a_matter_of_safety_fails_whatever_status_stands_beside_it(
    number: int, status: ConnectorStatus
) -> None:
    said = fact(status, connector_id=number, error_code="GroundFailure")
    assert is_fault(said)
    assert judge_connector(number, said, test_follows=True, own_charge=True).advice is FAIL


@pytest.mark.parametrize("code", ["NoError", "WeakSignal", "ReaderFailure", "OtherError"])
def test_an_error_that_is_no_matter_of_safety_is_none_of_a_fault(code: str) -> None:
    said = fact(ConnectorStatus.AVAILABLE, error_code=code)
    assert not is_fault(said)
    assert judge_connector(1, said, test_follows=True).advice is PASS


def test_every_status_is_in_the_table_above() -> None:
    marks = test_advice.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(ConnectorStatus)


def test_a_silent_connector_is_asked() -> None:
    assert judge_connector(1, None, test_follows=True).advice is ConnectorAdvice.ASK


def test_a_plugged_in_cable_is_said() -> None:
    verdict = judge_connector(2, fact(ConnectorStatus.PREPARING), test_follows=True)
    assert verdict.detail == "Connector 2 reports Preparing. A cable is plugged in."


@pytest.mark.parametrize(
    ("connector_id", "place"), [(0, "The charge point itself"), (2, "Connector 2")]
)
def test_a_fault_is_told_with_all_that_is_known_of_it(connector_id: int, place: str) -> None:
    faulted = fact(
        ConnectorStatus.FAULTED,
        connector_id=connector_id,
        error_code="GroundFailure",
        vendor_error_code="E-1042",
        info="RCD {tripped}",
    )
    verdict = judge_connector(connector_id, faulted, test_follows=True)
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.CONNECTOR_FAULTED
    assert verdict.failure.cause == (
        f"{place} reports a fault: GroundFailure, vendor code E-1042, RCD {{tripped}}."
    )


def test_a_bare_fault() -> None:
    assert describe_fault(fact("Faulted", error_code="OtherError", info="")) == "OtherError"
    assert describe_fault(fact("Faulted", error_code="NoError")) == "no error code"
    said = describe_fault(fact("Faulted", error_code="OtherError", info="Door open."))
    assert said == "OtherError, Door open"


@pytest.mark.parametrize("word", ["", "Sleeping", "{0}"])
def test_an_unheard_of_status_is_not_a_pass(word: str) -> None:
    verdict = judge_connector(1, fact(word), test_follows=True)
    assert verdict.advice is FAIL
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.CONNECTOR_STATUS_UNKNOWN


@pytest.mark.parametrize(
    ("expected", "reported", "looked_at"),
    [
        (None, (), [1]),
        (None, (0, 2), [1, 2]),
        (3, (1,), [1, 2, 3]),
        (64, (), list(range(1, 65))),
        (0, (1, 2), [1, 2]),
        (65, (0, 1, 2), [1, 2]),
        (1_850_027_108, (0, 1), [1]),
        (2**31, (), [1]),
        (2**31, (1, 1000), [1, 1000]),
        (None, (1, 1000), [1, 1000]),
        (None, tuple(range(1001)), list(range(1, 65))),
    ],
)
def test_a_number_that_no_charge_point_has_sizes_nothing(
    expected: int | None, reported: tuple[int, ...], looked_at: list[int]
) -> None:
    assert connectors_of(expected, reported) == looked_at


def test_what_number_of_connectors_is_plausible() -> None:
    assert [is_plausible(number) for number in (-1, 0, 1, 64, 65)] == [
        False,
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ('{"status":"Charging","errorCode":"GroundFailure"}', True),
        ('{"status": "charging", "errorCode" : "ground_failure"}', True),
        ('{"status":"Charging","errorCode":"Over Voltage"}', True),
        ('{"status":" FAULTED "}', True),
        ('{"status":"Charging","errorCode":"UnderVoltage"}', False),
        ('{"status":"Available","errorCode":"NoError","info":"GroundFailure mended"}', False),
    ],
)
def test_the_frame_of_a_fault_is_known_however_it_is_spelt(frame: str, *, says: bool) -> None:
    assert says_fault(frame) is says
