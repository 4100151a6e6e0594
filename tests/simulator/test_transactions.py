"""Transactions from the remote start to the closing reading."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator import State, VirtualChargePoint, find_model
from tests.simulator.central_system import CentralSystem
from tests.simulator.conftest import STRONG, PowerUp


def sample(message: dict[str, Any], measurand: str) -> float:
    [value] = [
        float(one["value"])
        for one in message["meterValue"][0]["sampledValue"]
        if one["measurand"] == measurand
    ]
    return value


def time_of(message: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(message["meterValue"][0]["timestamp"])


async def started(central: CentralSystem, charge_point: VirtualChargePoint) -> int:
    """Start on connector 1 and return the transaction id, once the charge point knows it."""
    await charge_point.until(lambda: charge_point.state is State.ACCEPTED)
    answer = await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    assert answer == {"status": "Accepted"}
    await charge_point.until(
        lambda: any(one.transaction_id is not None for one in charge_point.transactions)
    )
    return charge_point.transactions[0].transaction_id or 0


async def test_a_whole_transaction(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up()
    number = await started(central, charge_point)
    readings = await central.seen("MeterValues", 3)
    assert charge_point.status(1) == "Charging"
    answer = await central.call("RemoteStopTransaction", transactionId=number)
    assert answer == {"status": "Accepted"}
    [stop] = await central.seen("StopTransaction")
    await central.seen("StatusNotification", 2, connectorId=1, status="Available")

    [start] = central.found("StartTransaction")
    assert start["idTag"] == "AB12"
    assert start["connectorId"] == 1
    assert (stop["transactionId"], stop["reason"]) == (number, "Remote")
    assert "transactionData" not in stop
    assert {one["transactionId"] for one in readings} == {number}
    registers = [sample(one, "Energy.Active.Import.Register") for one in readings]
    assert [start["meterStart"], *registers, stop["meterStop"]] == sorted(
        [start["meterStart"], *registers, stop["meterStop"]]
    )
    assert stop["meterStop"] > start["meterStart"]
    statuses = [one["status"] for one in central.found("StatusNotification", connectorId=1)]
    assert statuses == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert charge_point.remote_starts == 1
    assert charge_point.id_tags == {"AB12": 1}


async def test_energy_agrees_with_power_over_real_time(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    first, second, *_ = await central.seen("MeterValues", 2)
    hours = (time_of(second) - time_of(first)).total_seconds() / 3600
    energy = sample(second, "Energy.Active.Import.Register") - sample(
        first, "Energy.Active.Import.Register"
    )
    power = sample(second, "Power.Active.Import")
    # One Wh of resolution, and one millisecond of resolution of each timestamp.
    assert abs(energy - power * hours) <= 1 + 2 * power / 3_600_000


async def test_current_and_voltage_come_per_phase(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    [message, *_] = await central.seen("MeterValues")
    phases = {
        (one["measurand"], one["phase"])
        for one in message["meterValue"][0]["sampledValue"]
        if "phase" in one
    }
    assert phases == {("Voltage", f"L{n}-N") for n in (1, 2, 3)} | {
        ("Current.Import", f"L{n}") for n in (1, 2, 3)
    }


async def test_direct_current_has_no_phases_and_a_coarse_register(
    central: CentralSystem, power_up: PowerUp
) -> None:
    profile = replace(find_model("Kempower Satellite"), max_power_w=3_600_000)
    charge_point = power_up(profile=profile)
    await started(central, charge_point)
    await central.call("ChangeConfiguration", key="MeterValuesSampledData", value="Voltage,SoC")
    await central.call("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    [message, *_] = await central.seen("MeterValues")
    samples = message["meterValue"][0]["sampledValue"]
    assert {one["measurand"] for one in samples} == {"Voltage", "SoC"}
    assert all("phase" not in one for one in samples)
    assert central.found("StartTransaction")[0]["meterStart"] % 100 == 0


async def test_the_closing_readings_of_some_models(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up(profile=replace(STRONG, transaction_data=True, closing_reading=True))
    number = await started(central, charge_point)
    await central.call("RemoteStopTransaction", transactionId=number)
    [stop] = await central.seen("StopTransaction")
    contexts = [one["sampledValue"][0]["context"] for one in stop["transactionData"]]
    assert contexts == ["Transaction.Begin", "Transaction.End"]
    await central.until(lambda: central.actions().index("StopTransaction") < len(central.calls) - 1)
    later = central.calls[central.actions().index("StopTransaction") + 1]
    assert (later.action, later.payload["transactionId"]) == ("MeterValues", number)


async def test_without_auto_plug_it_waits_for_a_vehicle(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up(profile=replace(STRONG, auto_plug=False))
    await central.seen("StatusNotification", 2)
    await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    await central.seen("StatusNotification", connectorId=1, status="Preparing")
    assert charge_point.transactions == []
    charge_point.plug_in()
    await central.seen("StartTransaction")
    charge_point.unplug()
    [stop] = await central.seen("StopTransaction")
    assert stop["reason"] == "EVDisconnected"


async def test_a_start_that_nobody_plugs_in_for_times_out(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(profile=replace(STRONG, auto_plug=False, configuration={"ConnectionTimeOut": "5"}))
    await central.seen("StatusNotification", 2)
    await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    await central.seen("StatusNotification", 2, connectorId=1, status="Available")
    assert central.found("StartTransaction") == []


async def test_authorizes_remote_starts_when_configured(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.call("ChangeConfiguration", key="AuthorizeRemoteTxRequests", value="true")
    await started(central, charge_point)
    assert central.found("Authorize") == [{"idTag": "AB12"}]
    assert central.actions().index("Authorize") < central.actions().index("StartTransaction")


async def test_a_refused_card_starts_nothing(central: CentralSystem, power_up: PowerUp) -> None:
    central.replies["Authorize"] = lambda _: {"idTagInfo": {"status": "Blocked"}}
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    charge_point.present_card("BAD")
    await central.seen("Authorize")
    await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await central.seen("Heartbeat")
    assert charge_point.status(1) == "Available"


async def test_the_same_card_ends_what_it_began(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    charge_point.plug_in()
    charge_point.present_card("AB12")
    await central.seen("StartTransaction")
    charge_point.present_card("AB12")
    [stop] = await central.seen("StopTransaction")
    assert stop["reason"] == "Local"


async def test_an_id_tag_refused_at_the_start_ends_the_transaction(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.replies["StartTransaction"] = lambda _: {
        "transactionId": 9,
        "idTagInfo": {"status": "Invalid"},
    }
    power_up()
    await central.seen("StatusNotification", 2)
    await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    [stop] = await central.seen("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (9, "DeAuthorized")


async def test_a_second_start_and_a_foreign_stop_are_rejected(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    number = await started(central, charge_point)
    rejected = {"status": "Rejected"}
    assert await central.call("RemoteStartTransaction", idTag="B", connectorId=1) == rejected
    assert await central.call("RemoteStartTransaction", idTag="B", connectorId=7) == rejected
    assert await central.call("RemoteStopTransaction", transactionId=number + 1) == rejected
    assert len(central.found("StartTransaction")) == 1
