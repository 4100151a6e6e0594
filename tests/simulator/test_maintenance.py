"""Resets, firmware updates, diagnostics and lists."""

import pytest

from simulator.maintenance import version_in
from tests.simulator.central_system import CentralSystem, now
from tests.simulator.conftest import PowerUp
from tests.simulator.test_transactions import started


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_a_reset_ends_the_transaction_and_boots_anew(
    central: CentralSystem, power_up: PowerUp, kind: str
) -> None:
    charge_point = power_up()
    await started(central, charge_point)
    assert await central.call("Reset", type=kind) == {"status": "Accepted"}
    [stop] = await central.seen("StopTransaction")
    assert stop["reason"] == f"{kind}Reset"
    await central.seen("BootNotification", 2)
    assert charge_point.resets == 1
    assert charge_point.transactions == []


async def test_a_firmware_update_ends_with_a_boot_of_the_new_version(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    location = "https://firmware.example/terra-ac-1.8.32.bin"
    answer = await central.call("UpdateFirmware", location=location, retrieveDate=now())
    assert answer == {}
    await central.seen("BootNotification", firmwareVersion="1.8.32")
    statuses = [one["status"] for one in central.found("FirmwareStatusNotification")]
    assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert charge_point.firmware == "1.8.32"


@pytest.mark.parametrize(
    ("location", "version"),
    [
        ("https://example/fw/terra-1.8.32.bin", "1.8.32"),
        ("https://example/2.0/alfen-4.15.7-4054.fwi", "4.15.7-4054"),
        ("ftp://example/fw.bin?version=V9", "V9"),
        ("https://example/firmware.bin", None),
    ],
)
def test_the_new_version_is_read_from_the_location(location: str, version: str | None) -> None:
    assert version_in(location) == version


async def test_diagnostics_are_uploaded(central: CentralSystem, power_up: PowerUp) -> None:
    power_up()
    await central.seen("StatusNotification", 2)
    answer = await central.call("GetDiagnostics", location="ftp://example/logs")
    assert answer == {"fileName": "diagnostics-SN-1.log"}
    statuses = await central.seen("DiagnosticsStatusNotification", 2)
    assert [one["status"] for one in statuses] == ["Uploading", "Uploaded"]


async def test_the_local_list_keeps_its_version(central: CentralSystem, power_up: PowerUp) -> None:
    power_up()

    async def send(version: int, kind: str) -> str:
        answer = await central.call("SendLocalList", listVersion=version, updateType=kind)
        return str(answer["status"])

    assert await send(3, "Full") == "Accepted"
    assert await send(3, "Differential") == "VersionMismatch"
    assert await send(4, "Differential") == "Accepted"
    assert await central.call("GetLocalListVersion") == {"listVersion": 4}


async def test_vendor_data_is_not_understood(central: CentralSystem, power_up: PowerUp) -> None:
    power_up()
    answer = await central.call("DataTransfer", vendorId="com.example")
    assert answer == {"status": "UnknownVendorId"}
