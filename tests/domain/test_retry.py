"""What a retry keeps, by table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.checks import CheckRecord, Evidence, RunView
from domain.facts import BootFact, ConnectorFact
from domain.rules.retry import still_holds
from domain.states import CheckName, CheckResult, RegistrationStatus, RunStatus

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
BEFORE, AFTER = AT - timedelta(minutes=1), AT + timedelta(minutes=1)
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
            )
            for name in CheckName
        ),
    )


def _connector(at: datetime) -> ConnectorFact:
    return ConnectorFact(connector_id=1, status="Available", error_code="NoError", at=at)


@pytest.mark.parametrize(
    ("boot", "connector_at", "reconfigured", "kept"),
    [
        (BOOT, BEFORE, False, ALL),
        (None, BEFORE, False, set()),
        (replace(BOOT, at=AFTER), BEFORE, False, set()),
        (replace(BOOT, charge_point_serial="T"), BEFORE, False, set()),
        (replace(BOOT, firmware_version="1.9"), BEFORE, False, set()),
        (BOOT, AFTER, False, ALL - {CheckName.CONNECTOR_AVAILABLE}),
        (BOOT, BEFORE, True, {CheckName.FIRMWARE_VERSION}),
    ],
)
def test_what_is_kept(
    boot: BootFact | None, connector_at: datetime, reconfigured: bool, kept: set[CheckName]
) -> None:
    checks = still_holds(
        _previous(), boot=boot, connectors=[_connector(connector_at)], reconfigured=reconfigured
    )
    assert {check.name for check in checks} == kept


@pytest.mark.parametrize("result", [CheckResult.FAILED, CheckResult.SKIPPED, CheckResult.PENDING])
def test_only_what_passed_is_kept(result: CheckResult) -> None:
    checks = still_holds(
        _previous(connector_available=result, test_transaction=result),
        boot=BOOT,
        connectors=[],
        reconfigured=False,
    )
    assert [check.name for check in checks] == [CheckName.FIRMWARE_VERSION]
