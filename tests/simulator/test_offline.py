"""What happens to transaction-related messages while there is no connection, or no answer."""

from simulator import State
from tests.simulator.central_system import CentralSystem
from tests.simulator.conftest import PowerUp
from tests.simulator.test_transactions import started


async def test_what_happened_offline_is_told_in_order(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    await central.call("ChangeConfiguration", key="AllowOfflineTxForUnknownId", value="true")
    await central.hang_up()
    await charge_point.until(lambda: not charge_point.connected)
    charge_point.plug_in()
    charge_point.present_card("AB12")
    charge_point.unplug()
    assert central.found("StartTransaction") == []

    [stop] = await central.seen("StopTransaction")
    told = [one for one in central.actions() if one.endswith("Transaction")]
    assert told == ["StartTransaction", "StopTransaction"]
    assert stop["transactionId"] == central.next_transaction_id


async def test_a_transaction_survives_a_lost_connection(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    number = await started(central, charge_point)
    await central.hang_up()
    await central.until(lambda: central.connections == 2)
    before = len(central.found("MeterValues"))
    await central.seen("MeterValues", before + 2)
    assert charge_point.transactions[0].transaction_id == number
    assert len(central.found("StartTransaction")) == 1
    assert await central.call("RemoteStopTransaction", transactionId=number) == {
        "status": "Accepted"
    }


async def test_a_call_error_is_answered_by_another_attempt(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.errors["StartTransaction"] = 2
    charge_point = power_up()
    await central.call("ChangeConfiguration", key="TransactionMessageRetryInterval", value="1")
    number = await started(central, charge_point)
    assert len(central.found("StartTransaction")) == 3
    [first, *others] = central.found("StartTransaction")
    assert others == [first, first]
    await central.seen("MeterValues", transactionId=number)


async def test_after_the_last_attempt_it_goes_on_without_an_id(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.errors["StartTransaction"] = 99
    charge_point = power_up()
    await central.call("ChangeConfiguration", key="TransactionMessageAttempts", value="1")
    await charge_point.until(lambda: charge_point.state is State.ACCEPTED)
    await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    await central.seen("MeterValues", transactionId=-1)
    assert len(central.found("StartTransaction")) == 1


async def test_a_lost_reply_makes_it_ask_again(central: CentralSystem, power_up: PowerUp) -> None:
    central.unanswered["StartTransaction"] = 1
    charge_point = power_up(call_timeout=0.1)
    await central.call("ChangeConfiguration", key="TransactionMessageRetryInterval", value="1")
    await started(central, charge_point)
    assert len(central.found("StartTransaction")) == 2


async def test_a_link_that_never_answers_is_taken_for_dead(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(call_timeout=0.05)
    await central.seen("StatusNotification", 2)
    central.unanswered["Heartbeat"] = 3
    for _ in range(3):
        await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await central.until(lambda: central.connections == 2)


async def test_a_power_cut_ends_the_transaction_and_tells_so_afterwards(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    charge_point.power_cycle()
    [stop] = await central.seen("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    boots = [n for n, action in enumerate(central.actions()) if action == "BootNotification"]
    assert boots[1] < central.actions().index("StopTransaction")
    await central.seen("StatusNotification", 2, connectorId=1, status="Available")
