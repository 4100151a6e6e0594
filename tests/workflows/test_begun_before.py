"""A run that begins anew, as Temporal was lost and a backup restored: it finds what it had done."""

from dataclasses import replace

import pytest

from domain.facts import TransactionFact
from domain.states import ConnectorStatus, RunStatus
from tests.workflows.charger import EPOCH, ID_TAG, Behaviour
from tests.workflows.conftest import Stage, StageMaker

BEGUN = TransactionFact(
    transaction_id="7", connector_id=1, id_tag=ID_TAG, started_at=EPOCH, meter_start=1000
)


def steps(stage: Stage) -> list[str]:
    (view,) = stage.records.verdicts
    return [step.detail for check in view.checks for step in check.steps]


@pytest.mark.parametrize(
    "status",
    [ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.FINISHING],
)
async def test_its_own_charge_goes_on(set_stage: StageMaker, status: ConnectorStatus) -> None:
    stage = await set_stage(Behaviour(statuses={1: status}))
    stage.charger.transaction = BEGUN
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["start_test_transaction"] == 0
    assert stage.charger.received["stop_test_transaction"] == 1
    assert stage.records.waits == []  # nobody was asked to unplug anything
    assert any("The test charge of this run goes on." in detail for detail in steps(stage))


async def test_the_charge_of_somebody_else_is_in_the_way(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(statuses={1: ConnectorStatus.CHARGING}))
    stage.charger.transaction = replace(BEGUN, id_tag="SOMEBODY")
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "connector_in_use"
    assert stage.charger.received["stop_test_transaction"] == 0


async def test_one_that_has_ended_meanwhile_is_not_taken_for_the_new_one(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.charger.transaction = replace(
        BEGUN, transaction_id="6", stopped_at=EPOCH, meter_stop=1010, stop_reason="EVDisconnected"
    )
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert any("Transaction 7 started" in detail for detail in steps(stage))
