"""ConnectionTestWorkflow on skipping time."""

from datetime import UTC, datetime

from domain.configuration import ConnectionTest, ConnectionTestRequest
from domain.facts import RefusedAttempt
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.operations import ConnectionTestWorkflow


async def _test(stage: Stage) -> ConnectionTest:
    return await stage.env.client.execute_workflow(
        ConnectionTestWorkflow.run,
        ConnectionTestRequest(charge_point_id="cp_1"),
        id="connection-test-cp_1",
        task_queue=stage.task_queue,
    )


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
