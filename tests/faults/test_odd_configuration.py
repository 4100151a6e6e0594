"""Configurations that no charge point should have, and what becomes of its run and of others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commissioning import RunOptions
from domain.failures import FailureCode
from domain.states import CheckName, RunStatus
from simulator import Fault
from simulator.profile import ABB_TERRA_AC_W22
from tests.faults.stage import PATIENT, Stage

SAMPLES = "MeterValueSampleInterval"
MEASURANDS = "MeterValuesSampledData"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("said", [str(2**31), "9" * 5_000], ids=["2^31", "5000 digits"])
async def test_a_number_of_connectors_harms_nobody(stage: Stage, said: str) -> None:
    odd = replace(ABB_TERRA_AC_W22, configuration={"NumberOfConnectors": said})
    async with stage.powered(profile=odd) as one, stage.powered() as neighbour:
        run, other = await stage.start(one.identity), await stage.start(neighbour.identity)
        view, beside = await stage.verdict(run), await stage.verdict(other)
    assert (view.status, beside.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    checks = {check.name: check for check in view.checks}
    (note,) = checks[CheckName.OCPP_HANDSHAKE].notes
    shown = said if len(said) <= 30 else said[:30] + "…"
    assert note.startswith(
        f"It reports {shown} as its number of connectors, which is not plausible: "
    )
    seen = [step.name for step in checks[CheckName.CONNECTOR_AVAILABLE].steps]
    assert seen == ["connector.0", "connector.1"]


async def customise(stage: Stage, identity: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await stage.front.post(f"/charge-points/{identity}/config/customize", body)
    assert answer.is_success, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_a_restart_is_made_though_the_new_value_is_reported_already(stage: Stage) -> None:
    """It is remembered from `customize` to `customize` to `start`, and made once."""
    async with stage.powered(Fault.REPORTS_BEFORE_REBOOT) as charge_point:
        identity = charge_point.identity
        options = RunOptions(run_test_transaction=False)
        await stage.verdict(await stage.start(identity, options=options))
        assert charge_point.resets == 1
        choice = {"parameters": [{"key": SAMPLES, "value": 45}]}
        for body in (choice, {"parameters": [{"key": "HeartbeatInterval", "value": 50}]}):
            said = await customise(stage, identity, body)
            assert said["applied"] == [body["parameters"][0]["key"]]
        shown = (await stage.front.get(f"/charge-points/{identity}/config")).json()
        assert shown["pending_reboot"] is True
        states = {one["key"]: one["state"] for one in shown["parameters"]}
        assert states[SAMPLES] == "pending_reboot"
        assert states["HeartbeatInterval"] == "applied"
        assert charge_point.resets == 1
        assert charge_point.configuration(SAMPLES) == "30"
        for _ in range(2):
            view = await stage.verdict(await stage.start(identity, options=options))
            assert view.status is RunStatus.COMPLETED, view.failure
            assert charge_point.resets == 2
            assert charge_point.configuration(SAMPLES) == "45"
        shown = (await stage.front.get(f"/charge-points/{identity}/config")).json()
        assert shown["pending_reboot"] is False


async def test_the_advice_to_check_a_key_of_the_standard_can_be_followed(stage: Stage) -> None:
    voltage = replace(ABB_TERRA_AC_W22, configuration={MEASURANDS: "Voltage"})
    async with stage.powered(Fault.NO_METER_VALUES, profile=voltage) as charge_point:
        identity = charge_point.identity
        pace = replace(PATIENT, charge_at_most=timedelta(seconds=5))
        view = await stage.verdict(await stage.start(identity, pace=pace))
        assert view.failure is not None
        assert view.failure.code == FailureCode.NO_METER_VALUES
        assert MEASURANDS in view.failure.action
        wanted = "Energy.Active.Import.Register,Power.Active.Import"
        said = await customise(
            stage, identity, {"parameters": [{"key": MEASURANDS, "value": wanted}]}
        )
        assert said["applied"] == [MEASURANDS]
        assert charge_point.configuration(MEASURANDS) == wanted
        charge_point.clear_fault(Fault.NO_METER_VALUES)
        again = await stage.retry(identity)
        assert again.status is RunStatus.COMPLETED, again.failure
        steps = {step.name: step.detail for step in again.checks[0].steps}
        assert (
            steps[f"configuration.{MEASURANDS}"]
            == f"{MEASURANDS} is {wanted}; {wanted} is desired."
        )


async def test_a_default_that_nobody_chose_fails_no_run_of_an_unknown_model(stage: Stage) -> None:
    unknown = replace(ABB_TERRA_AC_W22, vendor="Acme", model="Box 1")
    options = RunOptions(run_test_transaction=False)
    async with stage.powered(Fault.REJECTS_KEY, profile=unknown) as charge_point:
        identity = charge_point.identity
        view = await stage.verdict(await stage.start(identity, options=options))
        assert view.status is RunStatus.COMPLETED, view.failure
        note = f"{SAMPLES} = 30: the charge point rejected the value"
        assert note in view.checks[0].notes
        said = await customise(stage, identity, {"parameters": [{"key": SAMPLES, "value": 20}]})
        assert [one["key"] for one in said["rejected"]] == [SAMPLES]
        chosen = await stage.verdict(await stage.start(identity, options=options))
        assert chosen.failure is not None
        assert chosen.failure.code == FailureCode.CONFIGURATION_REJECTED
        # The advice: what it does not take is given up.
        assert (await customise(stage, identity, {"take_back": [SAMPLES]}))["taken_back"] == [
            SAMPLES
        ]
        again = await stage.retry(identity)
        assert again.status is RunStatus.COMPLETED, again.failure
