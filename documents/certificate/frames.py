"""A frame of the log on one or two lines: what proves something stays, and ``…`` marks the rest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.certificates import Frame
from domain.messages import ACTIONS, MessageKind
from domain.reported import Measurand

_LEFT_OUT: Final = "…"
_LONGEST_ID: Final = 8
_TELLING: Final[Mapping[MessageKind, Sequence[str]]] = {
    MessageKind.BOOT: (
        "chargePointVendor",
        "chargePointModel",
        "chargePointSerialNumber",
        "chargeBoxSerialNumber",
        "firmwareVersion",
    ),
    MessageKind.CONNECTOR_STATUS: (
        "connectorId",
        "status",
        "errorCode",
        "vendorErrorCode",
        "info",
        "timestamp",
    ),
    MessageKind.TRANSACTION_STARTED: ("connectorId", "meterStart", "timestamp", "idTag"),
    MessageKind.TRANSACTION_STOPPED: ("transactionId", "meterStop", "timestamp", "reason"),
}
_OF_SAMPLE: Final = ("value", "measurand", "unit", "phase")


def frame_text(frame: Frame) -> str:
    """Write a frame without what proves nothing; one that is no OCPP message is left as it is."""
    try:
        message = json.loads(frame.text)
    except (ValueError, RecursionError):
        return frame.text
    match message:
        case [2, str(number), str(action), dict(payload)] if action in ACTIONS:
            said = _telling(ACTIONS[action], payload)
        case [2, str(number), str(), dict(payload)] | [3, str(number), dict(payload)]:
            said = _json(payload)
        case _:
            return frame.text
    head = [str(message[0]), _json(_short(number)), *map(_json, message[2:-1])]
    return f"[{','.join((*head, said))}]"


def _telling(kind: MessageKind, payload: Mapping[str, Any]) -> str:
    if kind is MessageKind.METER_VALUES:
        return _meter_values(payload)
    return _object(payload, _TELLING[kind]) if kind in _TELLING else _json(payload)


def _short(number: str) -> str:
    return number if len(number) <= _LONGEST_ID else number[: _LONGEST_ID - 1] + _LEFT_OUT


def _meter_values(payload: Mapping[str, Any]) -> str:
    match payload:
        case {"meterValue": [{"sampledValue": [*samples], **value}, *others]}:
            kept = _samples(samples)
        case _:
            return _json(payload)
    sampled = _list([_object(one, _OF_SAMPLE) for one in kept], more=len(samples) > len(kept))
    written = f'{{"timestamp":{_json(value.get("timestamp"))},"sampledValue":{sampled}}}'
    of = {key: payload[key] for key in ("connectorId", "transactionId") if key in payload}
    values = _list([written], more=bool(others))
    return "{" + ",".join((*_members(of), f'"meterValue":{values}')) + "}"


def _samples(samples: Sequence[object]) -> list[Mapping[str, Any]]:
    """Energy and power, of all phases together where that is among them."""
    found: list[Mapping[str, Any]] = []
    for measurand in (Measurand.ENERGY, Measurand.POWER):
        of_it = [
            sample
            for sample in samples
            if isinstance(sample, dict) and sample.get("measurand", Measurand.ENERGY) == measurand
        ]
        found += sorted(of_it, key=lambda sample: "phase" in sample)[:1]
    return found


def _members(of: Mapping[str, object]) -> list[str]:
    return [f"{_json(key)}:{_json(value)}" for key, value in of.items()]


def _list(written: Sequence[str], *, more: bool) -> str:
    return f"[{','.join((*written, *((_LEFT_OUT,) if more else ())))}]"


def _object(payload: Mapping[str, Any], keys: Sequence[str]) -> str:
    parts = _members({key: payload[key] for key in keys if key in payload})
    if payload.keys() - set(keys):
        parts.append(_LEFT_OUT)
    return "{" + ",".join(parts) + "}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
