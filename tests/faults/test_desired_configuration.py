"""Chosen values reach a charge point by themselves: at its connection, with one restart at most."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from domain.commissioning import RunOptions
from domain.names import configuration_workflow_id
from domain.states import AccessMode, ParameterState, ProjectStatus, Role, RunStatus
from simulator import Fault, VirtualChargePoint
from simulator.words import ChargePointStatus
from storage.access import Access
from storage.models.projects import Project
from storage.parameters import Parameters, StoredParameter
from tests.faults.encores import lose_connection
from tests.faults.stage import Stage
from tests.support.eventually import eventually

KEY = "MeterValueSampleInterval"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _choose(stage: Stage, charge_point: VirtualChargePoint, value: str) -> None:
    async with stage.database.write() as connection:
        await Parameters(connection).queue(
            charge_point.identity, {KEY: value}, at=datetime.now(UTC)
        )


async def _stored(stage: Stage, charge_point: VirtualChargePoint) -> StoredParameter:
    async with stage.database.read() as connection:
        (stored,) = await Parameters(connection).all(charge_point.identity)
    return stored


async def _becomes(
    stage: Stage, charge_point: VirtualChargePoint, state: ParameterState
) -> StoredParameter:
    async def looked_at() -> StoredParameter:
        stored = await _stored(stage, charge_point)
        assert stored.state is state
        return stored

    return await eventually(looked_at)


async def _push_ends(stage: Stage, charge_point: VirtualChargePoint) -> None:
    workflow_id = configuration_workflow_id(charge_point.identity)
    await stage.client.get_workflow_handle(workflow_id).result()


async def test_the_next_connection_brings_the_value_and_the_restart(stage: Stage) -> None:
    async with stage.powered(Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        await charge_point.until(lambda: charge_point.connected)
        await _choose(stage, charge_point, "45")
        lose_connection(charge_point)
        stored = await _becomes(stage, charge_point, ParameterState.APPLIED)
        assert (stored.reported, stored.detail) == ("45", None)
        assert charge_point.configuration(KEY) == "45"
        assert charge_point.resets == 1
        await _push_ends(stage, charge_point)
        lose_connection(charge_point)  # all is as desired: there is nothing left to do
        await charge_point.until(lambda: not charge_point.connected)
        run = await stage.start(charge_point.identity)
        assert (await stage.verdict(run)).status is RunStatus.COMPLETED
        assert charge_point.resets == 1


async def test_a_customer_charges_to_the_end(stage: Stage) -> None:
    async with stage.powered(Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        short = RunOptions(run_test_transaction=False)
        run = await stage.start(charge_point.identity, options=short)
        assert (await stage.verdict(run)).status is RunStatus.COMPLETED
        resets = charge_point.resets
        await _open_to_everybody(stage)
        charge_point.plug_in()
        charge_point.present_card("VISITOR")
        await charge_point.until(lambda: bool(charge_point.transactions))
        await _choose(stage, charge_point, "45")
        lose_connection(charge_point)
        await eventually(lambda: _waits(stage, charge_point))
        await _push_ends(stage, charge_point)
        assert charge_point.transactions
        assert charge_point.resets == resets
        charge_point.unplug()
        await _becomes(stage, charge_point, ParameterState.APPLIED)
        assert charge_point.resets == resets + 1
        assert charge_point.status(1) is ChargePointStatus.AVAILABLE


async def _open_to_everybody(stage: Stage) -> None:
    async with stage.database.write() as connection:
        await connection.execute(update(Project).values(status=ProjectStatus.HANDED_OVER))
        await Access(connection, stage.project.id).set_mode(
            AccessMode.OPEN, by=Role.SITE_OWNER, at=datetime.now(UTC)
        )


async def _waits(stage: Stage, charge_point: VirtualChargePoint) -> None:
    stored = await _stored(stage, charge_point)
    assert stored.state is ParameterState.PENDING_REBOOT
    assert stored.detail
    assert stored.detail.startswith("The restart waits until nobody charges: transaction ")


async def test_a_run_that_starts_during_the_restart_passes(stage: Stage) -> None:
    async with stage.powered(Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        await charge_point.until(lambda: charge_point.connected)
        await _choose(stage, charge_point, "45")
        lose_connection(charge_point)
        await charge_point.until(lambda: charge_point.resets == 1)
        run = await stage.start(charge_point.identity)
        view = await stage.verdict(run)
        assert view.status is RunStatus.COMPLETED, view.failure
        assert charge_point.resets == 1
        stored = await _becomes(stage, charge_point, ParameterState.APPLIED)
        assert stored.reported == "45"
