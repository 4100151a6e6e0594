"""Boot, status and heartbeat."""

from dataclasses import replace

from simulator import State, find_model
from tests.simulator.central_system import CentralSystem
from tests.simulator.conftest import STRONG, PowerUp


async def test_boots_with_its_name_plate_then_reports_every_connector(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up(profile=find_model("Kempower Satellite"), serial="SN-42")
    statuses = await central.seen("StatusNotification", 3)
    assert central.actions()[0] == "BootNotification"
    assert central.calls[0].payload == {
        "chargePointVendor": "Kempower",
        "chargePointModel": "S-Series Satellite",
        "chargePointSerialNumber": "SN-42",
        "firmwareVersion": "2.4.3.0",
    }
    assert [one["connectorId"] for one in statuses] == [0, 1, 2]
    assert {one["status"] for one in statuses} == {"Available"}
    assert charge_point.state is State.ACCEPTED


async def test_a_model_may_carry_its_serial_in_the_charge_box_field(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(profile=find_model("Alfen Eve Single Pro-line"), serial="SN-42")
    [boot] = await central.seen("BootNotification")
    assert boot["chargeBoxSerialNumber"] == "SN-42"
    assert "chargePointSerialNumber" not in boot


async def test_boots_again_until_it_is_accepted_and_says_nothing_before(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.boot_statuses = ["Pending", "Rejected"]
    central.boot_interval = 1
    power_up()
    await central.seen("StatusNotification", 2)
    assert central.actions()[:4] == ["BootNotification"] * 3 + ["StatusNotification"]


async def test_a_model_may_report_status_while_pending(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.boot_statuses = ["Pending"]
    charge_point = power_up(profile=replace(STRONG, status_while_pending=True))
    await central.seen("StatusNotification", 2)
    assert charge_point.state is State.PENDING
    assert len(central.found("BootNotification")) == 1


async def test_while_pending_it_answers_and_sends_what_is_triggered(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.boot_statuses = ["Pending"]
    power_up()
    await central.seen("BootNotification")
    started = await central.call("RemoteStartTransaction", idTag="AB", connectorId=1)
    assert started == {"status": "Rejected"}
    for message in ("Heartbeat", "StatusNotification", "BootNotification"):
        assert await central.call("TriggerMessage", requestedMessage=message) == {
            "status": "Accepted"
        }
    await central.seen("Heartbeat")
    await central.seen("BootNotification", 2)


async def test_a_boot_without_an_answer_is_sent_again(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.unanswered["BootNotification"] = 1
    charge_point = power_up(call_timeout=0.1)
    await central.seen("BootNotification", 2)
    await charge_point.until(lambda: charge_point.state is State.ACCEPTED)


async def test_the_heartbeat_follows_the_boot_reply_then_the_configuration(
    central: CentralSystem, power_up: PowerUp
) -> None:
    central.boot_interval = 5
    charge_point = power_up()
    await central.seen("Heartbeat", 2)
    assert charge_point.configuration("HeartbeatInterval") == "5"
    await central.call("ChangeConfiguration", key="HeartbeatInterval", value="0")
    await central.call("ChangeConfiguration", key="HeartbeatInterval", value="3")
    await central.seen("Heartbeat", len(central.found("Heartbeat")) + 2)


async def test_comes_back_when_the_server_hangs_up(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    await central.hang_up()
    await central.seen("BootNotification", 2)
    await central.seen("StatusNotification", 4)
    assert central.connections == 2
    assert charge_point.sent["BootNotification"] == 2


async def test_a_power_cycle_boots_anew(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(profile=replace(STRONG, boots_on_reconnect=False))
    await central.seen("StatusNotification", 2)
    charge_point.power_cycle()
    await central.seen("BootNotification", 2)
