"""ChangeAvailability, UnlockConnector and TriggerMessage."""

import pytest

from simulator import find_model
from tests.simulator.central_system import CentralSystem
from tests.simulator.conftest import PowerUp
from tests.simulator.test_transactions import started


async def test_a_connector_goes_out_of_operation_and_back(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    await central.seen("StatusNotification", 2)
    for kind, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        seen = len(central.found("StatusNotification", connectorId=1, status=status))
        answer = await central.call("ChangeAvailability", connectorId=1, type=kind)
        assert answer == {"status": "Accepted"}
        await central.seen("StatusNotification", seen + 1, connectorId=1, status=status)


async def test_the_station_takes_every_connector_along(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(profile=find_model("Kempower Satellite"))
    await central.seen("StatusNotification", 3)
    await central.call("ChangeAvailability", connectorId=0, type="Inoperative")
    statuses = await central.seen("StatusNotification", 3, status="Unavailable")
    assert [one["connectorId"] for one in statuses] == [0, 1, 2]


async def test_during_a_transaction_it_is_scheduled(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    number = await started(central, charge_point)
    answer = await central.call("ChangeAvailability", connectorId=1, type="Inoperative")
    assert answer == {"status": "Scheduled"}
    assert charge_point.status(1) == "Charging"
    await central.call("RemoteStopTransaction", transactionId=number)
    await central.seen("StatusNotification", connectorId=1, status="Unavailable")


async def test_an_unknown_connector_is_rejected(central: CentralSystem, power_up: PowerUp) -> None:
    power_up()
    answer = await central.call("ChangeAvailability", connectorId=5, type="Operative")
    assert answer == {"status": "Rejected"}


async def test_unlocking_ends_the_transaction(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    assert await central.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    [stop] = await central.seen("StopTransaction")
    assert stop["reason"] == "UnlockCommand"


async def test_a_fixed_cable_cannot_be_unlocked(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(profile=find_model("Kempower Satellite"))
    assert await central.call("UnlockConnector", connectorId=1) == {"status": "NotSupported"}


@pytest.mark.parametrize(
    "message",
    [
        "BootNotification",
        "Heartbeat",
        "MeterValues",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
    ],
)
async def test_a_triggered_message_is_sent(
    central: CentralSystem, power_up: PowerUp, message: str
) -> None:
    power_up()
    await central.seen("StatusNotification", 2)
    before = len(central.found(message))
    answer = await central.call("TriggerMessage", requestedMessage=message)
    assert answer == {"status": "Accepted"}
    await central.seen(message, before + 1)


async def test_status_is_triggered_for_one_connector_or_for_all(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    await central.seen("StatusNotification", 2)
    await central.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    await central.seen("StatusNotification", 2, connectorId=1)
    await central.call("TriggerMessage", requestedMessage="StatusNotification")
    await central.seen("StatusNotification", 2, connectorId=0)
    await central.seen("StatusNotification", 3, connectorId=1)


async def test_a_trigger_for_no_connector_is_rejected(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    answer = await central.call(
        "TriggerMessage", requestedMessage="StatusNotification", connectorId=9
    )
    assert answer == {"status": "Rejected"}
