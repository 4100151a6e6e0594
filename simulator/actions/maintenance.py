"""Availability, cable, restarts, firmware (OCPP 1.6, sections 5.2, 5.9, 5.14, 5.18 and 5.19)."""

from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.words import Answered, ErrorCode, Reason


def change_availability(hardware: Hardware, payload: Payload) -> Answer:
    """Put connectors in or out of operation; during a transaction, afterwards."""
    station = hardware.station
    connector = station.connector(payload["connectorId"])
    if connector is None or station.has(Fault.STAYS_UNAVAILABLE):
        return Answer({"status": Answered.REJECTED})
    operative = payload["type"] == "Operative"
    chosen = station.connectors if connector.id == 0 else [connector]
    scheduled = False
    for one in chosen:
        busy = one.transaction is not None and not operative
        one.inoperative_afterwards = busy
        scheduled |= busy
        if not busy:
            one.operative = operative

    def then() -> None:
        for one in chosen:
            station.report(one)

    return Answer({"status": Answered.SCHEDULED if scheduled else Answered.ACCEPTED}, then)


def unlock_connector(hardware: Hardware, payload: Payload) -> Answer:
    """Unlock the cable, which ends a transaction."""
    connector = hardware.station.connector(payload["connectorId"])
    if connector is None or connector.id == 0:
        raise CallRejected(ErrorCode.PROPERTY_CONSTRAINT, "there is no such connector")
    if hardware.station.profile.tethered:
        return Answer({"status": Answered.NOT_SUPPORTED})
    return Answer(
        {"status": Answered.UNLOCKED},
        lambda: hardware.charging.stop(connector, Reason.UNLOCK_COMMAND),
    )


def reset(hardware: Hardware, payload: Payload) -> Answer:
    """Restart, once the answer is sent."""
    station, hard = hardware.station, payload["type"] == "Hard"
    if station.has(Fault.REJECTS_RESET):
        return Answer({"status": Answered.REJECTED})
    if station.has(Fault.IGNORES_RESET):
        return Answer({"status": Answered.ACCEPTED})
    return Answer({"status": Answered.ACCEPTED}, lambda: hardware.power.reset(hard=hard))


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
