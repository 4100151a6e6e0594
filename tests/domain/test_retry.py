"""What a retry keeps, by table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.catalogue import FirmwareRule
from domain.checks import CheckRecord, Evidence, RunView, Step
from domain.commissioning import Registered
from domain.facts import BootFact, ConnectorFact
from domain.rules.retry import Situation, still_holds
from domain.states import CheckName, CheckResult, RegistrationStatus, RunStatus

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
LONG_BEFORE, BEFORE, AFTER = (AT + timedelta(minutes=minutes) for minutes in (-9, -1, 1))
BOOT = BootFact(
    boot_id="b",
    at=BEFORE,
    vendor="ABB",
    model="Terra",
    charge_point_serial="S",
    charge_box_serial=None,
    firmware_version="1.8",
    registration=RegistrationStatus.ACCEPTED,
)
IDENTITY: Evidence = {
    "vendor": "ABB",
    "model": "Terra",
    "charge_point_serial": "S",
    "charge_box_serial": None,
}
CONNECTOR = Step(name="connector.1", result=CheckResult.PASSED, at=AT, detail="")
ALL = {CheckName.FIRMWARE_VERSION, CheckName.CONNECTOR_AVAILABLE, CheckName.TEST_TRANSACTION}


def _previous(**results: CheckResult) -> RunView:
    evidence: dict[CheckName, Evidence] = {
        CheckName.OCPP_HANDSHAKE: IDENTITY,
        CheckName.FIRMWARE_VERSION: {"reported": "1.8"},
    }
    return RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.FAILED,
        started_at=BEFORE,
        checks=tuple(
            CheckRecord(
                name=name,
                result=results.get(name, CheckResult.PASSED),
                ended_at=AT,
                evidence=dict(evidence.get(name, {})),
                steps=(CONNECTOR,) if name is CheckName.CONNECTOR_AVAILABLE else (),
            )
            for name in CheckName
        ),
    )


def _connector(at: datetime) -> ConnectorFact:
    return ConnectorFact(connector_id=1, status="Available", error_code="NoError", at=at)


NOW = Situation(
    registered=Registered(
        charge_point_id="cp_1",
        project_id="prj_1",
        vendor="ABB",
        model="Terra",
        serial_number="S",
        ocpp_version="1.6",
    ),
    firmware=FirmwareRule(minimum="1.5", strict=True),
    boot=BOOT,
    connectors=[_connector(BEFORE)],
    configured_at=LONG_BEFORE,
    reconfigured=False,
)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, ALL),
        ({"configured_at": None}, ALL),
        ({"boot": None}, set()),
        ({"boot": replace(BOOT, at=AFTER)}, set()),
        ({"boot": replace(BOOT, charge_point_serial="T")}, set()),
        ({"boot": replace(BOOT, firmware_version="1.9")}, set()),
        ({"registered": replace(NOW.registered, serial_number="T")}, set()),
        ({"registered": replace(NOW.registered, model="Terra DC")}, set()),
        ({"registered": replace(NOW.registered, vendor="Alfen")}, set()),
        ({"connectors": [_connector(AFTER)]}, ALL - {CheckName.CONNECTOR_AVAILABLE}),
        # it has more than were looked at
        (
            {"registered": replace(NOW.registered, connectors=2)},
            {CheckName.FIRMWARE_VERSION},
        ),
        ({"registered": replace(NOW.registered, connectors=1)}, ALL),
        ({"reconfigured": True}, {CheckName.FIRMWARE_VERSION}),
        ({"configured_at": AFTER}, {CheckName.FIRMWARE_VERSION}),
        # the run before took the values at its start; one chosen while it ran came after it
        ({"configured_at": AT - timedelta(seconds=30)}, {CheckName.FIRMWARE_VERSION}),
        ({"firmware": FirmwareRule(blocked=("1.8",))}, ALL - {CheckName.FIRMWARE_VERSION}),
        ({"firmware": FirmwareRule(minimum="1.9")}, ALL - {CheckName.FIRMWARE_VERSION}),
        # a pass that a person should look at is another one than was given
        ({"firmware": None}, ALL - {CheckName.FIRMWARE_VERSION}),
    ],
)
def test_what_is_kept(changes: dict[str, Any], kept: set[CheckName]) -> None:
    checks = still_holds(_previous(), replace(NOW, **changes))
    assert {check.name for check in checks} == kept
    assert {check.kept_from for check in checks} <= {"com_1"}


@pytest.mark.parametrize("result", [CheckResult.FAILED, CheckResult.SKIPPED, CheckResult.PENDING])
def test_only_what_passed_is_kept(result: CheckResult) -> None:
    previous = _previous(connector_available=result, test_transaction=result)
    assert [check.name for check in still_holds(previous, NOW)] == [CheckName.FIRMWARE_VERSION]


def test_what_was_kept_before_stays_that_of_its_first_run() -> None:
    previous = _previous()
    checks = tuple(replace(check, kept_from="com_0") for check in previous.checks)
    kept = still_holds(replace(previous, checks=checks), NOW)
    assert {check.kept_from for check in kept} == {"com_0"}
