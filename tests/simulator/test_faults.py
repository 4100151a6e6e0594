"""Each fault as the central system sees it on the wire: one test each, named after it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simulator import Fault, State, VirtualChargePoint, find_model
from simulator.actions.remote import OWN_TAG
from simulator.fault import EXPLANATIONS
from simulator.payload_faults import (
    ODD_ERROR_CODE,
    ODD_STATUS,
    ODD_UNIT,
    OTHER_TRANSACTION,
    TAG_LENGTH,
)
from simulator.readings import OTHER_METER
from tests.simulator.central_system import CentralSystem, Refused, now
from tests.simulator.conftest import STRONG, PowerUp
from tests.simulator.test_configuration import value_of
from tests.simulator.test_smart_charging import profile
from tests.simulator.test_transactions import sample, started

ENERGY = "Energy.Active.Import.Register"
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


async def registers(central: CentralSystem, count: int = 3) -> list[float]:
    readings = await central.seen("MeterValues", count)
    return [sample(one, ENERGY) for one in readings]


async def charge_and_stop(central: CentralSystem, charge_point: VirtualChargePoint) -> None:
    number = await started(central, charge_point)
    await central.seen("MeterValues", 2)
    assert await central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    await central.seen("StopTransaction")


def test_every_fault_is_explained_and_tested() -> None:
    assert set(EXPLANATIONS) == set(Fault)
    assert {f"test_{fault.name.lower()}" for fault in Fault} <= set(globals())


async def test_wrong_serial(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.WRONG_SERIAL)
    [boot] = await central.seen("BootNotification")
    assert boot["chargePointSerialNumber"] not in {"", "SN-1"}


async def test_long_serial(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    power_up(Fault.LONG_SERIAL)
    [boot] = await central.seen("BootNotification")
    assert boot["chargePointSerialNumber"].startswith("SN-1")
    assert len(boot["chargePointSerialNumber"]) > 25
    assert len(central.invalid) == 1


async def test_empty_vendor(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.EMPTY_VENDOR)
    [boot] = await central.seen("BootNotification")
    assert boot["chargePointVendor"] == ""


async def test_no_serial(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_SERIAL)
    [boot] = await central.seen("BootNotification")
    assert not {"chargePointSerialNumber", "chargeBoxSerialNumber"} & boot.keys()


async def test_placeholder_serial(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.PLACEHOLDER_SERIAL)
    [boot] = await central.seen("BootNotification")
    assert set(boot["chargePointSerialNumber"]) == {"0"}


async def test_nameless(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    power_up(Fault.NAMELESS)
    [boot] = await central.seen("BootNotification")
    assert not {"chargePointVendor", "chargePointModel"} & boot.keys()
    assert len(central.invalid) == 1


async def test_old_firmware(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.OLD_FIRMWARE)
    [boot] = await central.seen("BootNotification")
    assert boot["firmwareVersion"] == "1.2.0"
    await central.call("UpdateFirmware", location="ftp://x/fw-1.8.21.bin", retrieveDate=now())
    await central.seen("BootNotification", firmwareVersion="1.8.21")


async def test_boots_once(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.BOOTS_ONCE)
    await central.seen("BootNotification")
    await central.call("TriggerMessage", requestedMessage="BootNotification")
    await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await central.seen("Heartbeat")
    assert charge_point.sent["BootNotification"] == 1
    charge_point.power_cycle()
    await central.seen("BootNotification", 2)


async def test_clock_skewed(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.CLOCK_SKEWED)
    [status, *_] = await central.seen("StatusNotification")
    skew = datetime.fromisoformat(status["timestamp"]) - datetime.now(UTC)
    assert skew > timedelta(hours=1, minutes=59)


async def test_clock_behind(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.CLOCK_BEHIND)
    [status, *_] = await central.seen("StatusNotification")
    skew = datetime.fromisoformat(status["timestamp"]) - datetime.now(UTC)
    assert skew < timedelta(seconds=-80)


async def test_no_boot_on_reconnect(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.NO_BOOT_ON_RECONNECT)
    await central.seen("StatusNotification", 2)
    await central.hang_up()
    await charge_point.until(lambda: not charge_point.connected)
    charge_point.plug_in()
    # What changed while offline is told, and nothing else.
    await central.seen("StatusNotification", status="Preparing")
    assert central.actions() == ["BootNotification"] + ["StatusNotification"] * 3
    assert charge_point.state is State.ACCEPTED


async def test_silent(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.SILENT)
    await central.until(lambda: central.connections == 1)
    unanswered = central.send("ClearCache", {})
    await charge_point.until(lambda: charge_point.received["ClearCache"] == 1)
    assert charge_point.connected
    assert central.calls == []
    assert not central.answered(unanswered)
    charge_point.clear_fault(Fault.SILENT)
    await central.seen("BootNotification")


async def test_garbage_frames(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.GARBAGE_FRAMES, seed=2)
    await charge_and_stop(central, charge_point)
    assert len(central.invalid) >= 3


async def test_drops_mid_transaction(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.DROPS_MID_TRANSACTION)
    number = await started(central, charge_point)
    await central.until(lambda: central.connections == 2)
    await central.seen("MeterValues", len(central.found("MeterValues")) + 1)
    assert await central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    await central.seen("StopTransaction", transactionId=number)
    assert len(central.found("StartTransaction")) == 1
    assert central.connections == 2


async def test_repeats_transaction_messages(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.REPEATS_TRANSACTION_MESSAGES)
    await charge_and_stop(central, charge_point)
    for action in ("StartTransaction", "StopTransaction"):
        first, second = await central.seen(action, 2)
        assert first == second


async def test_stamps_repeats_anew(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STAMPS_REPEATS_ANEW)
    await charge_and_stop(central, charge_point)
    first, second = await central.seen("StartTransaction", 2)
    assert first["timestamp"] < second["timestamp"]
    assert first["meterStart"] == second["meterStart"]


async def test_rejects_key(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.REJECTS_KEY)
    for key, answer in (("MeterValueSampleInterval", REJECTED), ("HeartbeatInterval", ACCEPTED)):
        assert await central.call("ChangeConfiguration", key=key, value="15") == answer


async def test_needs_reboot_for_key(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NEEDS_REBOOT_FOR_KEY)
    await central.seen("BootNotification")
    key = "MeterValueSampleInterval"
    answer = await central.call("ChangeConfiguration", key=key, value="15")
    assert answer == {"status": "RebootRequired"}
    assert await value_of(central, key) == "2"
    await central.call("Reset", type="Soft")
    await central.seen("BootNotification", 2)
    assert await value_of(central, key) == "15"


async def test_reports_before_reboot(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.REPORTS_BEFORE_REBOOT)
    await central.seen("BootNotification")
    key = "MeterValueSampleInterval"
    answer = await central.call("ChangeConfiguration", key=key, value="15")
    assert answer == {"status": "RebootRequired"}
    assert await value_of(central, key) == "15"
    assert charge_point.configuration(key) == "2"
    await central.call("Reset", type="Soft")
    await central.seen("BootNotification", 2)
    assert charge_point.configuration(key) == "15"


async def test_mute_before_reboot(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.MUTE_BEFORE_REBOOT)
    await central.seen("BootNotification")
    key = "MeterValueSampleInterval"
    assert await value_of(central, key) == "2"
    await central.call("ChangeConfiguration", key=key, value="15")
    with pytest.raises(Refused, match="InternalError"):
        await central.call("GetConfiguration", key=[key])
    await central.call("Reset", type="Soft")
    await central.seen("BootNotification", 2)
    assert await value_of(central, key) == "15"


async def test_lacks_key(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.LACKS_KEY)
    key = "AuthorizationCacheEnabled"
    answer = await central.call("GetConfiguration", key=[key])
    assert answer["unknownKey"] == [key]
    answer = await central.call("ChangeConfiguration", key=key, value="true")
    assert answer == {"status": "NotSupported"}


async def test_misses_change(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.MISSES_CHANGE)
    await central.seen("BootNotification")
    change = {"key": "HeartbeatInterval", "value": "15"}
    missed = central.send("ChangeConfiguration", change)
    assert await central.call("ChangeConfiguration", **change) == ACCEPTED
    assert not central.answered(missed)


async def test_rejects_reset(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.REJECTS_RESET)
    await central.seen("StatusNotification", 2)
    assert await central.call("Reset", type="Soft") == REJECTED


async def test_ignores_reset(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.IGNORES_RESET)
    await central.seen("StatusNotification", 2)
    assert await central.call("Reset", type="Soft") == ACCEPTED
    assert await central.call("TriggerMessage", requestedMessage="Heartbeat") == ACCEPTED
    await central.seen("Heartbeat")
    assert charge_point.sent["BootNotification"] == 1


async def test_boot_loops_on_key(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.BOOT_LOOPS_ON_KEY)
    await central.seen("BootNotification")
    await central.call("ChangeConfiguration", key="MeterValueSampleInterval", value="15")
    await central.seen("BootNotification", 3)
    charge_point.clear_fault(Fault.BOOT_LOOPS_ON_KEY)
    await charge_point.until(lambda: charge_point.state is State.ACCEPTED)


async def test_connector_faulted(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.CONNECTOR_FAULTED)
    [status] = await central.seen("StatusNotification", connectorId=1)
    assert status["status"] == "Faulted"
    assert status["errorCode"] == "GroundFailure"
    assert status["vendorErrorCode"]
    assert status["info"]
    answer = await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    assert answer == REJECTED
    charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
    await central.seen("StatusNotification", connectorId=1, status="Available", errorCode="NoError")
    await started(central, charge_point)
    charge_point.add_fault(Fault.CONNECTOR_FAULTED)
    await central.seen("StopTransaction", reason="Other")


async def test_station_faulted(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STATION_FAULTED)
    station, connector = await central.seen("StatusNotification", 2)
    assert (station["connectorId"], station["status"]) == (0, "Faulted")
    assert connector["status"] == "Available"
    answer = await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    assert answer == REJECTED
    charge_point.clear_fault(Fault.STATION_FAULTED)
    await central.seen("StatusNotification", connectorId=0, status="Available")


async def test_connector_unavailable(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.CONNECTOR_UNAVAILABLE)
    await central.seen("StatusNotification", connectorId=1, status="Unavailable")
    await central.call("ChangeAvailability", connectorId=1, type="Operative")
    await central.seen("StatusNotification", connectorId=1, status="Available")


async def test_stays_unavailable(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STAYS_UNAVAILABLE)
    await central.seen("StatusNotification", connectorId=1, status="Unavailable")
    assert await central.call("ChangeAvailability", connectorId=1, type="Operative") == REJECTED
    charge_point.clear_fault(Fault.STAYS_UNAVAILABLE)
    await central.seen("StatusNotification", connectorId=1, status="Available")


async def test_cable_plugged(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.CABLE_PLUGGED)
    await central.seen("StatusNotification", connectorId=1, status="Preparing")
    charge_point.clear_fault(Fault.CABLE_PLUGGED)
    await central.seen("StatusNotification", connectorId=1, status="Available")


async def test_silent_connectors(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.SILENT_CONNECTORS)
    await central.seen("BootNotification")
    await central.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    await central.seen("StatusNotification", connectorId=1)
    assert central.actions() == ["BootNotification", "StatusNotification"]


async def test_no_trigger_message(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_TRIGGER_MESSAGE)
    with pytest.raises(Refused) as refused:
        await central.call("TriggerMessage", requestedMessage="StatusNotification")
    assert refused.value.code == "NotImplemented"


async def test_hangs_on_trigger(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.HANGS_ON_TRIGGER)
    await central.seen("StatusNotification", 2)
    unanswered = central.send("TriggerMessage", {"requestedMessage": "StatusNotification"})
    assert await central.call("ClearCache") == ACCEPTED
    assert not central.answered(unanswered)
    assert len(central.found("StatusNotification")) == 2


async def test_rejects_start(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.REJECTS_START)
    await central.seen("StatusNotification", 2)
    answer = await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    assert answer == REJECTED


async def test_rejects_profiles(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    pause = profile(periods=((0, 0),))
    assert await central.call("SetChargingProfile", connectorId=0, csChargingProfiles=pause) == (
        ACCEPTED
    )
    await charge_point.until(lambda: charge_point.power_w() == 0)
    charge_point.add_fault(Fault.REJECTS_PROFILES)
    await charge_point.until(lambda: charge_point.power_w() > 0)
    assert await central.call("SetChargingProfile", connectorId=0, csChargingProfiles=pause) == (
        REJECTED
    )


async def test_takes_watts(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.TAKES_WATTS)
    await central.seen("StatusNotification", 2)
    for unit, answer in (("A", REJECTED), ("W", ACCEPTED)):
        chosen = profile(unit=unit)
        asked = await central.call("SetChargingProfile", connectorId=0, csChargingProfiles=chosen)
        assert asked == answer


async def test_takes_amperes(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.TAKES_AMPERES)
    await central.seen("StatusNotification", 2)
    key = "ChargingScheduleAllowedChargingRateUnit"
    answer = await central.call("GetConfiguration", key=[key])
    assert answer["configurationKey"] == [{"key": key, "readonly": True, "value": "Current"}]
    for unit, answer in (("W", REJECTED), ("A", ACCEPTED)):
        asked = await central.call(
            "SetChargingProfile", connectorId=0, csChargingProfiles=profile(unit=unit)
        )
        assert asked == answer


async def test_refuses_zero(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.REFUSES_ZERO)
    await started(central, charge_point)
    for limit, answer in ((0, REJECTED), (6, ACCEPTED)):
        assert await asked(central, "TxDefaultProfile", limit) == answer


@pytest.mark.parametrize("purpose", ["TxDefaultProfile", "TxProfile"])
async def test_no_station_profile(central: CentralSystem, power_up: PowerUp, purpose: str) -> None:
    charge_point = power_up(Fault.NO_STATION_PROFILE)
    await started(central, charge_point)
    assert await asked(central, "ChargePointMaxProfile", 16) == REJECTED
    assert await asked(central, purpose, 16) == ACCEPTED


@pytest.mark.parametrize("purpose", ["TxDefaultProfile", "ChargePointMaxProfile"])
async def test_no_session_profile(central: CentralSystem, power_up: PowerUp, purpose: str) -> None:
    charge_point = power_up(Fault.NO_SESSION_PROFILE)
    await started(central, charge_point)
    assert await asked(central, "TxProfile", 16) == REJECTED
    assert await asked(central, purpose, 16) == ACCEPTED


async def test_ignores_profiles(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.IGNORES_PROFILES)
    await started(central, charge_point)
    for purpose in ("TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"):
        assert await asked(central, purpose, 0) == ACCEPTED
    answer = await central.call("GetCompositeSchedule", connectorId=1, duration=60)
    assert answer == REJECTED
    assert charge_point.power_w() > 1000


async def asked(central: CentralSystem, purpose: str, limit: float) -> object:
    return await central.call(
        "SetChargingProfile",
        connectorId=0 if purpose == "ChargePointMaxProfile" else 1,
        csChargingProfiles=profile(periods=((0, limit),), purpose=purpose),
    )


async def test_idle_schedule(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.IDLE_SCHEDULE)
    await central.seen("StatusNotification", 2)
    pause = profile(periods=((0, 0),), purpose="TxDefaultProfile")
    assert (
        await central.call("SetChargingProfile", connectorId=0, csChargingProfiles=pause)
        == ACCEPTED
    )

    async def reported() -> float:
        answer = await central.call("GetCompositeSchedule", connectorId=1, duration=60)
        return float(answer["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"])

    assert await reported() > 0
    await started(central, charge_point)
    assert charge_point.power_w() == 0
    assert await reported() == 0


async def test_ends_at_zero(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.ENDS_AT_ZERO)
    await started(central, charge_point)
    assert await central.call(
        "SetChargingProfile", connectorId=0, csChargingProfiles=profile(periods=((0, 0),))
    ) == (ACCEPTED)
    await central.seen("StopTransaction")
    assert central.found("StopTransaction")[-1]["reason"] == "Other"


async def test_forgets_profiles(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.FORGETS_PROFILES)
    await started(central, charge_point)
    pause = profile(periods=((0, 0),))
    await central.call("SetChargingProfile", connectorId=0, csChargingProfiles=pause)
    await charge_point.until(lambda: charge_point.power_w() == 0)
    boots = len(central.found("BootNotification"))
    charge_point.power_cycle()
    await central.seen("BootNotification", boots + 1)
    answer = await central.call("ClearChargingProfile")
    assert answer == {"status": "Unknown"}


async def test_no_composite_schedule(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_COMPOSITE_SCHEDULE)
    await central.seen("StatusNotification", 2)
    answer = await central.call("GetCompositeSchedule", connectorId=1, duration=60)
    assert answer == REJECTED


async def test_start_accepted_nothing_follows(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.START_ACCEPTED_NOTHING_FOLLOWS)
    await central.seen("StatusNotification", 2)
    before = central.actions()
    answer = await central.call("RemoteStartTransaction", idTag="AB12", connectorId=1)
    assert answer == ACCEPTED
    await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await central.seen("Heartbeat")
    assert central.actions() == [*before, "Heartbeat"]


@pytest.mark.parametrize("model", ["ABB Terra AC W22", "Kempower Satellite"])
async def test_wrong_connector(central: CentralSystem, power_up: PowerUp, model: str) -> None:
    charge_point = power_up(Fault.WRONG_CONNECTOR, profile=find_model(model))
    await started(central, charge_point)
    [start] = central.found("StartTransaction")
    assert start["connectorId"] == 2
    await central.call("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    await central.seen("MeterValues", connectorId=2)


async def test_ignores_stop(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.IGNORES_STOP)
    number = await started(central, charge_point)
    assert await central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    await central.seen("MeterValues", len(central.found("MeterValues")) + 2)
    assert central.found("StopTransaction") == []
    charge_point.unplug()
    await central.seen("StopTransaction")


async def test_stays_finishing(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STAYS_FINISHING)
    await charge_and_stop(central, charge_point)
    await central.seen("StatusNotification", status="Finishing")
    charge_point.unplug()
    await central.seen("StatusNotification", 2, connectorId=1, status="Available")


async def test_meter_stuck(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.METER_STUCK)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert {*await registers(central, 2), stop["meterStop"]} == {start["meterStart"]}
    assert sample(central.found("MeterValues")[0], "Power.Active.Import") > 0


async def test_second_meter_stuck(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.SECOND_METER_STUCK, profile=replace(STRONG, connectors=2))
    await charge_and_stop(central, charge_point)
    await central.call("RemoteStartTransaction", connectorId=2, idTag="AB12")
    _, second = await central.seen("StartTransaction", 2)
    await charge_point.until(lambda: charge_point.power_w(2) > 0)
    heard = len(central.found("MeterValues"))
    await central.seen("MeterValues", heard + 2)
    charge_point.unplug(2)
    stops = await central.seen("StopTransaction", 2)
    first = central.found("StartTransaction")[0]
    assert stops[0]["meterStop"] > first["meterStart"]
    assert stops[1]["meterStop"] == second["meterStart"]


async def test_meter_falls(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.METER_FALLS)
    await started(central, charge_point)
    first, second, third = (await registers(central))[:3]
    assert first > second > third


async def test_meter_restarts(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.METER_RESTARTS)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert start["meterStart"] == 0
    assert 0 < stop["meterStop"] < charge_point.register_wh()


async def test_kwh_labelled_wh(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.KWH_LABELLED_WH)
    await started(central, charge_point)
    [reading, *_] = await central.seen("MeterValues")
    [energy] = [
        one for one in reading["meterValue"][0]["sampledValue"] if one["measurand"] == ENERGY
    ]
    assert energy["unit"] == "Wh"
    assert float(energy["value"]) == pytest.approx(charge_point.register_wh() / 1000, rel=0.1)


async def test_no_meter_values(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(
        Fault.NO_METER_VALUES,
        profile=replace(STRONG, configuration={"MeterValueSampleInterval": "1"}),
    )
    number = await started(central, charge_point)
    await central.call("ChangeConfiguration", key="HeartbeatInterval", value="2")
    await central.seen("Heartbeat", 2)
    assert central.found("MeterValues") == []
    await central.call("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    await central.call("RemoteStopTransaction", transactionId=number)
    await central.seen("StopTransaction")
    [reading] = central.found("MeterValues")
    assert reading["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"


async def test_zero_transaction_id(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.ZERO_TRANSACTION_ID)
    await charge_and_stop(central, charge_point)
    assert {one["transactionId"] for one in central.found("MeterValues")} == {0}
    assert central.found("StopTransaction")[0]["transactionId"] != 0


async def failed_update(central: CentralSystem, count: int) -> list[str]:
    """Ask for an update and return its statuses, once there are `count`."""
    await central.seen("StatusNotification", 2)
    await central.call("UpdateFirmware", location="ftp://x/fw-9.9.9.bin", retrieveDate=now())
    seen = await central.seen("FirmwareStatusNotification", count)
    assert len(central.found("BootNotification")) == 1
    return [one["status"] for one in seen]


async def test_download_fails(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.DOWNLOAD_FAILS)
    assert await failed_update(central, 2) == ["Downloading", "DownloadFailed"]


async def test_install_fails(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.INSTALL_FAILS)
    statuses = await failed_update(central, 4)
    assert statuses == ["Downloading", "Downloaded", "Installing", "InstallationFailed"]


async def test_keeps_old_firmware(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.KEEPS_OLD_FIRMWARE)
    before = charge_point.firmware
    await central.seen("StatusNotification", 2)
    await central.call("UpdateFirmware", location="ftp://x/fw-9.9.9.bin", retrieveDate=now())
    await central.seen("FirmwareStatusNotification", status="Installed")
    await central.seen("BootNotification", 2)
    assert [one["firmwareVersion"] for one in central.found("BootNotification")] == [before] * 2


async def test_no_firmware_update(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_FIRMWARE_UPDATE)
    await central.seen("StatusNotification", 2)
    with pytest.raises(Refused, match="NotSupported"):
        await central.call("UpdateFirmware", location="ftp://x/fw-9.9.9.bin", retrieveDate=now())


async def test_ignores_firmware_update(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.IGNORES_FIRMWARE_UPDATE)
    await central.seen("StatusNotification", 2)
    location = "ftp://x/fw-9.9.9.bin"
    assert await central.call("UpdateFirmware", location=location, retrieveDate=now()) == {}
    await central.call("TriggerMessage", requestedMessage="FirmwareStatusNotification")
    [status] = await central.seen("FirmwareStatusNotification")
    assert status["status"] == "Idle"


async def test_silent_firmware_update(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.SILENT_FIRMWARE_UPDATE)
    await central.seen("StatusNotification", 2)
    await central.call("UpdateFirmware", location="ftp://x/fw-9.9.9.bin", retrieveDate=now())
    await central.seen("BootNotification", firmwareVersion="9.9.9")
    seen = [one["status"] for one in central.found("FirmwareStatusNotification")]
    assert seen == ["Downloading", "Installing"]


async def test_no_heartbeat(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_HEARTBEAT)
    await central.seen("StatusNotification", 2)
    await central.call("ChangeConfiguration", key="HeartbeatInterval", value="1")
    assert await central.call("TriggerMessage", requestedMessage="Heartbeat") == ACCEPTED
    await central.call("TriggerMessage", requestedMessage="StatusNotification")
    await central.seen("StatusNotification", 4)
    assert central.found("Heartbeat") == []


async def test_restarts_on_its_link(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.RESTARTS_ON_ITS_LINK)
    await central.seen("StatusNotification", 2)
    assert await central.call("Reset", type="Soft") == ACCEPTED
    await central.seen("BootNotification", 2)
    await central.seen("StatusNotification", 4)
    assert central.connections == 1


async def test_drops_on_all_keys(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.DROPS_ON_ALL_KEYS)
    await central.seen("StatusNotification", 2)
    central.send("GetConfiguration", {})
    await central.until(lambda: central.connections == 2)
    assert await value_of(central, "MeterValueSampleInterval") == "2"


async def test_odd_error_code(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.ODD_ERROR_CODE)
    [status] = await central.seen("StatusNotification", connectorId=1)
    assert (status["status"], status["errorCode"]) == ("Faulted", ODD_ERROR_CODE)
    charge_point.clear_fault(Fault.ODD_ERROR_CODE)
    await central.seen("StatusNotification", connectorId=1, status="Available", errorCode="NoError")
    assert len(central.invalid) == 1


async def test_odd_status(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.ODD_STATUS)
    await central.seen("StatusNotification", connectorId=1, status=ODD_STATUS)
    charge_point.clear_fault(Fault.ODD_STATUS)
    await central.seen("StatusNotification", connectorId=1, status="Available")


async def test_stale_stamps(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.STALE_STAMPS)
    for status in await central.seen("StatusNotification", 2):
        age = datetime.now(UTC) - datetime.fromisoformat(status["timestamp"])
        assert age > timedelta(days=8)


async def test_starts_by_itself(central: CentralSystem, power_up: PowerUp) -> None:
    central.replies["StartTransaction"] = lambda _: {
        "transactionId": 5,
        "idTagInfo": {"status": "Invalid"},
    }
    charge_point = power_up(Fault.STARTS_BY_ITSELF)
    await started(central, charge_point)
    [start] = central.found("StartTransaction")
    assert start["idTag"] == OWN_TAG
    await central.seen("MeterValues", 2)
    assert await central.call("RemoteStopTransaction", transactionId=5) == ACCEPTED
    await central.seen("StopTransaction", reason="Remote")


async def test_faults_mid_transaction(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.FAULTS_MID_TRANSACTION)
    number = await started(central, charge_point)
    await central.seen("StatusNotification", status="Faulted", errorCode="GroundFailure")
    await central.seen("MeterValues", len(central.found("MeterValues")) + 1)
    assert await central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    await central.seen("StopTransaction", reason="Remote")


async def test_faults_at_the_end(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.FAULTS_AT_THE_END)
    await charge_and_stop(central, charge_point)
    await central.seen("StatusNotification", status="Faulted", errorCode="GroundFailure")
    charge_point.clear_fault(Fault.FAULTS_AT_THE_END)
    await central.seen("StatusNotification", status="Finishing", errorCode="NoError")


async def test_unsafe_while_charging(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.UNSAFE_WHILE_CHARGING)
    await charge_and_stop(central, charge_point)
    await central.seen("StatusNotification", status="Charging", errorCode="GroundFailure")
    await central.seen("StatusNotification", status="Finishing", errorCode="NoError")


async def test_samples_restart(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.SAMPLES_RESTART)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert await registers(central, 2) < [start["meterStart"]] * 2
    assert stop["meterStop"] > start["meterStart"]


async def test_mixed_registers(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.MIXED_REGISTERS)
    await started(central, charge_point)
    [start] = central.found("StartTransaction")
    one, other, *_ = await registers(central, 2)
    assert min(one, other) < start["meterStart"] <= max(one, other)


async def test_register_by_the_clock(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.REGISTER_BY_THE_CLOCK)
    await charge_and_stop(central, charge_point)
    found = central.found("MeterValues")
    named = [sample(one, ENERGY) for one in found if "transactionId" in one]
    by_clock = [sample(one, ENERGY) for one in found if "transactionId" not in one]
    assert by_clock
    assert max(named) < min(by_clock)
    assert central.found("StartTransaction")[0]["meterStart"] == 0


async def test_register_twice(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.REGISTER_TWICE)
    await started(central, charge_point)
    for reading in await central.seen("MeterValues", 2):
        samples = reading["meterValue"][0]["sampledValue"]
        energies = [one["value"] for one in samples if one["measurand"] == ENERGY]
        assert len(energies) == 2
        assert energies[1] == OTHER_METER


async def test_zero_readings(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.ZERO_READINGS)
    await started(central, charge_point)
    zeros = [value == 0 for value in await registers(central, 6)]
    assert 0 < sum(zeros) < 4


async def test_no_meter_stop(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.NO_METER_STOP)
    await charge_and_stop(central, charge_point)
    assert central.found("StopTransaction")[0]["meterStop"] == -1


async def test_stop_equals_start(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STOP_EQUALS_START)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert stop["meterStop"] == start["meterStart"]


async def test_start_not_ready(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.START_NOT_READY)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert start["meterStart"] == 0
    # It counts on until the contactor is open, perhaps over a whole Wh.
    assert stop["meterStop"] == pytest.approx(charge_point.register_wh(), abs=2)


async def test_absurd_stop(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.ABSURD_STOP)
    await charge_and_stop(central, charge_point)
    assert central.found("StopTransaction")[0]["meterStop"] == 2**61


async def test_whole_kwh_labelled_wh(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.WHOLE_KWH_LABELLED_WH)
    await started(central, charge_point)
    [start] = central.found("StartTransaction")
    assert start["meterStart"] == charge_point.register_wh() // 1000
    for value in await registers(central, 2):
        assert value == start["meterStart"]


async def test_restarts_mid_transaction(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.RESTARTS_MID_TRANSACTION)
    number = await started(central, charge_point)
    await central.seen("BootNotification", 2)
    await central.seen("StopTransaction", transactionId=number, reason="PowerLoss")


async def test_stop_without_id(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.STOP_WITHOUT_ID)
    await charge_and_stop(central, charge_point)
    [stop] = central.found("StopTransaction")
    assert stop["transactionId"] is None
    assert stop["acmeSession"]


async def test_cuts_tags(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.CUTS_TAGS)
    await started(central, charge_point)
    [start] = central.found("StartTransaction")
    assert len(start["idTag"]) <= TAG_LENGTH


async def test_error_while_charging(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.ERROR_WHILE_CHARGING)
    await started(central, charge_point)
    [status, *_] = await central.seen("StatusNotification", status="Charging")
    assert (status["errorCode"], status["vendorErrorCode"]) == ("OtherError", "RCD-7")


async def test_stops_another(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.STOPS_ANOTHER)
    await charge_and_stop(central, charge_point)
    [stop] = central.found("StopTransaction")
    assert stop["transactionId"] == OTHER_TRANSACTION


async def test_meters_the_station(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.METERS_THE_STATION)
    await started(central, charge_point)
    [reading, *_] = await central.seen("MeterValues")
    assert reading["connectorId"] == 0
    assert "transactionId" not in reading


async def test_draws_nothing(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.DRAWS_NOTHING)
    await charge_and_stop(central, charge_point)
    [start], [stop] = central.found("StartTransaction"), central.found("StopTransaction")
    assert start["meterStart"] == stop["meterStop"]
    assert sample(central.found("MeterValues")[0], "Power.Active.Import") == 0


async def test_odd_unit(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.ODD_UNIT)
    await started(central, charge_point)
    [reading, *_] = await central.seen("MeterValues")
    samples = reading["meterValue"][0]["sampledValue"]
    assert {one["unit"] for one in samples} >= {"Wh", "Hz"}


async def test_numeric_values(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.NUMERIC_VALUES)
    await charge_and_stop(central, charge_point)
    [reading, *_] = central.found("MeterValues")
    assert isinstance(reading["meterValue"][0]["sampledValue"][0]["value"], float)
    [start] = central.found("StartTransaction")
    assert start["meterStart"] % 1


async def test_unknown_energy_unit(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.UNKNOWN_ENERGY_UNIT)
    await started(central, charge_point)
    [reading, *_] = await central.seen("MeterValues")
    units = {one["measurand"]: one["unit"] for one in reading["meterValue"][0]["sampledValue"]}
    assert units[ENERGY] == ODD_UNIT
    assert units["Power.Active.Import"] == "W"


async def send_list(
    central: CentralSystem, version: int = 1, kind: str = "Full", *, tags: int = 1, first: int = 0
) -> object:
    entries = [
        {"idTag": f"TAG{number}", "idTagInfo": {"status": "Accepted"}}
        for number in range(first, first + tags)
    ]
    answer = await central.call(
        "SendLocalList", listVersion=version, updateType=kind, localAuthorizationList=entries
    )
    return answer["status"]


async def list_version(central: CentralSystem) -> object:
    return (await central.call("GetLocalListVersion"))["listVersion"]


async def test_no_local_list(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.NO_LOCAL_LIST)
    assert await list_version(central) == -1
    assert await send_list(central) == "NotSupported"
    features = await value_of(central, "SupportedFeatureProfiles")
    assert "LocalAuthListManagement" not in features.split(",")
    described = await central.call("GetConfiguration", key=["LocalAuthListEnabled"])
    assert described["unknownKey"] == ["LocalAuthListEnabled"]


async def test_lacks_lists(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.LACKS_LISTS)
    with pytest.raises(Refused, match="NotImplemented"):
        await list_version(central)
    with pytest.raises(Refused, match="NotImplemented"):
        await send_list(central)


async def test_list_version_as_text(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.LIST_VERSION_AS_TEXT)
    await central.seen("StatusNotification", 2)
    await send_list(central, 7)
    central.send("GetLocalListVersion", {})
    await charge_point.until(lambda: charge_point.received["GetLocalListVersion"] == 1)
    await central.until(lambda: len(central.invalid) == 1)
    assert '"listVersion":"7"' in central.invalid[0].replace(" ", "")


async def test_keeps_no_list(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.KEEPS_NO_LIST)
    assert await send_list(central) == "Accepted"
    assert await list_version(central) == 0
    assert charge_point.listed == []


async def test_forgets_list(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.FORGETS_LIST)
    assert await send_list(central) == "Accepted"
    assert charge_point.listed == ["tag0"]
    charge_point.power_cycle()
    await central.seen("BootNotification", 2)
    assert await list_version(central) == 0
    assert charge_point.listed == []


async def test_full_lists_only(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.FULL_LISTS_ONLY)
    assert await send_list(central) == "Accepted"
    assert await send_list(central, 2, "Differential", first=1) == "Failed"
    assert await send_list(central, 2, tags=2) == "Accepted"


async def test_small_list(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.SMALL_LIST)
    assert await send_list(central, tags=6) == "Failed"
    assert await send_list(central, tags=5) == "Accepted"
    assert await send_list(central, 2, "Differential", first=5) == "Failed"
    assert len(charge_point.listed) == 5
    assert await value_of(central, "LocalAuthListMaxLength") == "1000"


async def test_short_lists(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.SHORT_LISTS)
    assert await send_list(central, tags=6) == "Failed"
    assert await send_list(central, tags=5) == "Accepted"
    assert await send_list(central, 2, "Differential", tags=5, first=5) == "Accepted"
    assert len(charge_point.listed) == 10


async def test_list_switched_off(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.LIST_SWITCHED_OFF)
    key = "LocalAuthListEnabled"
    assert await value_of(central, key) == "false"
    assert await send_list(central) == "Failed"
    assert await central.call("ChangeConfiguration", key=key, value="true") == ACCEPTED
    assert await send_list(central) == "Accepted"


async def test_list_stays_off(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(Fault.LIST_STAYS_OFF)
    key = "LocalAuthListEnabled"
    assert await central.call("ChangeConfiguration", key=key, value="true") == REJECTED
    assert await send_list(central) == "Failed"


async def test_list_after_reboot(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.LIST_AFTER_REBOOT)
    answer = await central.call("ChangeConfiguration", key="LocalAuthListEnabled", value="true")
    assert answer == {"status": "RebootRequired"}
    assert await send_list(central) == "Failed"
    charge_point.power_cycle()
    await central.seen("BootNotification", 2)
    assert await send_list(central) == "Accepted"


async def test_drops_on_list(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.DROPS_ON_LIST)
    await central.seen("StatusNotification", 2)
    central.send("SendLocalList", {"listVersion": 1, "updateType": "Full"})
    await charge_point.until(lambda: not charge_point.connected)
    await central.until(lambda: central.connections == 2)
    assert await list_version(central) == 0


async def test_mute_on_list(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(Fault.MUTE_ON_LIST)
    await central.seen("StatusNotification", 2)
    unanswered = central.send("SendLocalList", {"listVersion": 1, "updateType": "Full"})
    assert await list_version(central) == 0
    assert charge_point.received["SendLocalList"] == 1
    assert not central.answered(unanswered)


async def test_broken_meter_values(central: CentralSystem, power_up: PowerUp) -> None:
    central.expects_invalid = True
    charge_point = power_up(Fault.BROKEN_METER_VALUES)
    number = await started(central, charge_point)
    await central.until(lambda: len(central.invalid) >= 2)
    assert all("MeterValues" in raw for raw in central.invalid)
    assert await central.call("RemoteStopTransaction", transactionId=number) == ACCEPTED
    await central.seen("StopTransaction")
    assert central.found("MeterValues") == []
