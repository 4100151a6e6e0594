"""The routing table: which function answers which call, once it is valid.

Calls are held against the official JSON schemas, as careful hardware does it. The schema files come
with the `ocpp` package; nothing else of it is used.
"""

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Final

import jsonschema_rs
import orjson

from simulator.actions import keys, lists, maintenance, profiles, remote, trigger
from simulator.fault import Fault
from simulator.frames import Call, CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.station import received
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


_CODES = {
    "type": ErrorCode.TYPE_CONSTRAINT,
    "required": ErrorCode.OCCURRENCE_CONSTRAINT,
    "minItems": ErrorCode.OCCURRENCE_CONSTRAINT,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
}


def answer(hardware: Hardware, call: Call) -> Answer | None:
    """Answer a call; None leaves it unanswered; CallRejected becomes a CALLERROR."""
    station = hardware.station
    if not isinstance(call.action, str):
        raise CallRejected(ErrorCode.FORMATION_VIOLATION, "the action is no string")
    station.received[call.action] += 1
    station.commands.extend(received(call))
    station.events.changed()
    if station.has(Fault.SILENT):
        return None
    handler = ROUTES.get(call.action)
    if handler is None:
        raise CallRejected(ErrorCode.NOT_IMPLEMENTED, f"unknown action {call.action[:50]}")
    return handler(hardware, _checked(call.action, call.payload))


def _checked(action: str, payload: object) -> Payload:
    """Return the payload if it is valid, or raise CallRejected with the right code."""
    if not isinstance(payload, dict):
        raise CallRejected(ErrorCode.FORMATION_VIOLATION, "the payload is no object")
    try:
        _validator(action).validate(payload)
    except jsonschema_rs.ValidationError as error:
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        raise CallRejected(
            _CODES.get(keyword, ErrorCode.PROPERTY_CONSTRAINT), error.message
        ) from error
    return payload


@cache
def _validator(action: str) -> jsonschema_rs.Validator:
    file = resources.files("ocpp").joinpath("v16", "schemas", f"{action}.json")
    return jsonschema_rs.validator_for(orjson.loads(file.read_text("utf-8-sig")))
