"""UpdateFirmware and GetDiagnostics (OCPP 1.6, sections 5.19 and 5.9)."""

from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.words import ErrorCode


def update_firmware(hardware: Hardware, payload: Payload) -> Answer:
    """Accept an update; statuses and a new boot follow."""
    if hardware.station.has(Fault.NO_FIRMWARE_UPDATE):
        raise CallRejected(ErrorCode.NOT_SUPPORTED, "firmware is updated in the vendor's app")
    location, date = payload["location"], payload["retrieveDate"]
    return Answer({}, lambda: hardware.maintenance.update_firmware(location, date))


def get_diagnostics(hardware: Hardware, _payload: Payload) -> Answer:
    """Name the file that will be uploaded, and pretend to upload it."""
    name = f"diagnostics-{hardware.station.serial}.log"
    return Answer({"fileName": name}, hardware.maintenance.upload_diagnostics)
