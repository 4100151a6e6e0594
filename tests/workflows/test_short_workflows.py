"""ConfigurationWorkflow and ConnectionTestWorkflow on skipping time."""

from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType

from domain.commissioning import (
    ConfigurationRequest,
    ConfigurationResult,
    ConnectionTest,
    ConnectionTestRequest,
)
from domain.facts import RefusedAttempt
from domain.states import ParameterState
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.configuration import ConfigurationWorkflow
from workflows.connection_test import ConnectionTestWorkflow


async def _push(stage: Stage) -> ConfigurationResult:
    return await stage.env.client.execute_workflow(
        ConfigurationWorkflow.run,
        ConfigurationRequest(charge_point_id="cp_1"),
        id="configuration-cp_1",
        task_queue=stage.task_queue,
    )


async def _test(stage: Stage) -> ConnectionTest:
    return await stage.env.client.execute_workflow(
        ConnectionTestWorkflow.run,
        ConnectionTestRequest(charge_point_id="cp_1"),
        id="connection-test-cp_1",
        task_queue=stage.task_queue,
    )


async def test_a_push_says_where_each_value_stands(set_stage: StageMaker) -> None:
    stage = await set_stage(
        Behaviour(
            rejects=frozenset({"HeartbeatInterval"}),
            reboot_for=frozenset({"MeterValueSampleInterval"}),
        )
    )
    result = await _push(stage)
    assert result.pushed
    assert {parameter.key: parameter.state for parameter in result.parameters} == {
        "HeartbeatInterval": ParameterState.REJECTED,
        "MeterValueSampleInterval": ParameterState.PENDING_REBOOT,
        "AuthorizationCacheEnabled": ParameterState.APPLIED,
    }
    assert stage.charger.received["reset"] == 0


async def test_values_chosen_during_a_push_are_pushed_too(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.queued = True
    assert (await _push(stage)).pushed
    assert stage.charger.received["apply_configuration"] == 2


async def test_a_push_gives_way_to_a_run(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.busy_for = 1
    result = await _push(stage)
    assert (result.pushed, result.reason) == (False, "The charge point is being commissioned.")
    assert stage.charger.received["apply_configuration"] == 0


async def test_a_charge_point_that_is_away_is_pushed_later(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    result = await _push(stage)
    assert (result.pushed, result.reason) == (False, "The charge point has never connected.")


async def test_a_connected_charge_point_has_a_round_trip(set_stage: StageMaker) -> None:
    stage = await set_stage()
    result = await _test(stage)
    assert result == ConnectionTest(connected=True, latency_ms=20, ocpp_version_negotiated="1.6")


async def test_a_dark_charge_point_has_the_last_refusal_as_its_reason(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(online=False))
    stage.records.refusal = RefusedAttempt(
        at=datetime(2026, 5, 1, 9, 30, tzinfo=UTC), code="bad_credential", reason="Wrong password."
    )
    result = await _test(stage)
    assert not result.connected
    assert result.reason == (
        "The charge point has never connected. "
        "Its last attempt, at 2026-05-01 09:30:00 UTC, was refused: Wrong password."
    )


async def test_a_broken_link_is_not_connected(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.charger.gone_for["ping"] = 1
    result = await _test(stage)
    assert not result.connected
    assert result.reason
    assert "did not answer" in result.reason


async def test_a_run_has_pushed_what_was_chosen_meanwhile(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.queued = True
    handle = await stage.start()
    await stage.verdict_of(handle)
    history = await handle.fetch_history()
    started = [
        event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
    ]
    assert started == ["configuration-cp_1"]
