"""TriggerMessage (OCPP 1.6, section 5.17)."""

from collections.abc import Callable

from simulator.connector import Connector
from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.words import Action, Answered, ErrorCode


def trigger_message(hardware: Hardware, payload: Payload) -> Answer | None:
    """Send the message that is asked for, after the answer."""
    station = hardware.station
    if station.has(Fault.HANGS_ON_TRIGGER):
        return None
    if station.has(Fault.NO_TRIGGER_MESSAGE):
        raise CallRejected(ErrorCode.NOT_IMPLEMENTED, "TriggerMessage is not implemented")
    number = payload.get("connectorId")
    connector = station.connector(number)
    if number is not None and connector is None:
        return Answer({"status": Answered.REJECTED})
    chosen = station.connectors if connector is None else [connector]
    send = _message(hardware, payload["requestedMessage"], chosen)
    if send is None:
        return Answer({"status": Answered.NOT_IMPLEMENTED})
    return Answer({"status": Answered.ACCEPTED}, send)


def _message(hardware: Hardware, wanted: str, chosen: list[Connector]) -> Callable[[], None] | None:
    match wanted:
        case Action.BOOT_NOTIFICATION:
            return hardware.registration.boot
        case Action.HEARTBEAT:
            return lambda: hardware.registration.heartbeat(triggered=True)
        case Action.STATUS_NOTIFICATION:
            return lambda: _report(hardware, chosen)
        case Action.METER_VALUES:
            return lambda: _sample(hardware, chosen)
        case Action.FIRMWARE_STATUS:
            return lambda: hardware.maintenance.report_firmware(triggered=True)
        case Action.DIAGNOSTICS_STATUS:
            return lambda: hardware.maintenance.report_diagnostics(triggered=True)
        case _:
            return None


def _report(hardware: Hardware, chosen: list[Connector]) -> None:
    for connector in chosen:
        hardware.station.report(connector, triggered=True)


def _sample(hardware: Hardware, chosen: list[Connector]) -> None:
    for connector in chosen:
        if connector.id > 0:
            hardware.metering.trigger(connector)
