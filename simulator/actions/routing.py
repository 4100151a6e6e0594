"""The routing table: which function answers which call."""

from collections.abc import Callable
from typing import Final

from simulator import validation
from simulator.actions import keys, lists, maintenance, profiles, remote, trigger
from simulator.fault import Fault
from simulator.frames import Call, CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.received import received
from simulator.words import ErrorCode

Handler = Callable[[Hardware, Payload], Answer | None]

ROUTES: Final[dict[str, Handler]] = {
    "ChangeAvailability": maintenance.change_availability,
    "ChangeConfiguration": keys.change_configuration,
    "ClearCache": lists.clear_cache,
    "ClearChargingProfile": profiles.clear,
    "DataTransfer": lists.data_transfer,
    "GetCompositeSchedule": profiles.composite,
    "GetConfiguration": keys.get_configuration,
    "GetDiagnostics": maintenance.get_diagnostics,
    "GetLocalListVersion": lists.get_local_list_version,
    "RemoteStartTransaction": remote.start,
    "RemoteStopTransaction": remote.stop,
    "Reset": maintenance.reset,
    "SendLocalList": lists.send_local_list,
    "SetChargingProfile": profiles.install,
    "TriggerMessage": trigger.trigger_message,
    "UnlockConnector": maintenance.unlock_connector,
    "UpdateFirmware": maintenance.update_firmware,
}


def answer(hardware: Hardware, call: Call) -> Answer | None:
    """Answer a call; None leaves it unanswered; CallRejected becomes a CALLERROR."""
    station = hardware.station
    if not isinstance(call.action, str):
        raise CallRejected(ErrorCode.FORMATION_VIOLATION, "the action is no string")
    station.received[call.action] += 1
    station.commands += received(call)
    station.events.changed()
    if station.has(Fault.SILENT):
        return None
    handler = ROUTES.get(call.action)
    if handler is None:
        raise CallRejected(ErrorCode.NOT_IMPLEMENTED, f"unknown action {call.action[:50]}")
    return handler(hardware, validation.check(call.action, call.payload))
