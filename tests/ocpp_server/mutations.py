"""What the firmware of the field does to messages, and valid messages to do it to."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.rules.numbers import read_number
from ocpp_server.dispatch import Reply
from ocpp_server.v16.protocol import ESSENTIALS
from storage.fact_records import (
    Authorization,
    Boot,
    ConnectorStatus,
    MeterValues,
    StatusReport,
    TransactionStart,
    TransactionStop,
)

STAMP = "2026-01-02T03:04:05Z"
ENERGY = {
    "value": "1500",
    "measurand": "Energy.Active.Import.Register",
    "unit": "Wh",
    "context": "Sample.Periodic",
    "location": "Outlet",
}
POWER = {"value": "7200.5", "measurand": "Power.Active.Import", "unit": "W", "phase": "L1"}
METER_VALUE = {"timestamp": STAMP, "sampledValue": [ENERGY, POWER]}


@dataclass(frozen=True, kw_only=True)
class Message:
    """A valid message, and what must be stored of it."""

    action: str
    payload: dict[str, Any]
    fact: type[Any] | None

    def check(self, reply: Reply) -> None:
        expected = () if self.fact is None else (self.fact,)
        assert tuple(map(type, reply.facts)) == expected

    def may_be_refused(self, payload: dict[str, Any]) -> bool:
        """Whether something that the message is for cannot be told any more."""
        return any(not _tells(payload, field) for field in ESSENTIALS[self.action].fields)


def _tells(payload: dict[str, Any], field: str) -> bool:
    value = next((v for k, v in payload.items() if k.casefold() == field.casefold()), None)
    if isinstance(value, list) and len(value) == 1 and field != "meterValue":
        value = value[0]
    if field == "connectorId":
        number = read_number(value)
        return number is not None and 0 <= number <= 1000
    if field == "meterValue":
        elements = value if isinstance(value, list) else [value]
        return any(_has_samples(element) for element in elements)
    return isinstance(value, str | int | float) and value != ""


def _has_samples(element: Any) -> bool:
    if isinstance(element, list) and len(element) == 1:
        (element,) = element
    if not isinstance(element, dict):
        return False
    samples = next((v for k, v in element.items() if k.casefold() == "sampledvalue"), None)
    return samples is not None and samples != []


VALID = (
    Message(
        action="BootNotification",
        payload={
            "chargePointVendor": "Acme",
            "chargePointModel": "Box",
            "chargePointSerialNumber": "SN-1",
            "firmwareVersion": "1.0",
        },
        fact=Boot,
    ),
    Message(action="Heartbeat", payload={}, fact=None),
    Message(action="Authorize", payload={"idTag": "CARD"}, fact=Authorization),
    Message(
        action="StatusNotification",
        payload={
            "connectorId": 1,
            "errorCode": "NoError",
            "status": "Available",
            "info": "fine",
            "timestamp": STAMP,
            "vendorId": "acme",
            "vendorErrorCode": "0",
        },
        fact=ConnectorStatus,
    ),
    Message(
        action="StartTransaction",
        payload={
            "connectorId": 1,
            "idTag": "CARD",
            "meterStart": 1000,
            "timestamp": STAMP,
            "reservationId": 3,
        },
        fact=TransactionStart,
    ),
    Message(
        action="MeterValues",
        payload={"connectorId": 1, "transactionId": 7, "meterValue": [METER_VALUE]},
        fact=MeterValues,
    ),
    Message(
        action="StopTransaction",
        payload={
            "transactionId": 7,
            "meterStop": 2000,
            "timestamp": STAMP,
            "idTag": "CARD",
            "reason": "Local",
            "transactionData": [METER_VALUE],
        },
        fact=TransactionStop,
    ),
    Message(
        action="FirmwareStatusNotification",
        payload={"status": "Installed"},
        fact=StatusReport,
    ),
    Message(
        action="DiagnosticsStatusNotification",
        payload={"status": "Uploaded"},
        fact=StatusReport,
    ),
    Message(
        action="LogStatusNotification",
        payload={"status": "Uploaded", "requestId": 4},
        fact=StatusReport,
    ),
    Message(
        action="SecurityEventNotification",
        payload={"type": "TamperDetectionActivated", "timestamp": STAMP, "techInfo": "lid"},
        fact=StatusReport,
    ),
    Message(
        action="DataTransfer",
        payload={"vendorId": "acme", "messageId": "m", "data": "d"},
        fact=None,
    ),
)

Habit = Callable[[Any, random.Random], Any]


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Each place of a payload: its container and its key there."""
    found = []
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        found.append((node, key))
        if isinstance(value, dict | list):
            found += _places(value)
    return found


def _change(change: Callable[[Any, random.Random], Any]) -> Habit:
    def habit(payload: Any, dice: random.Random) -> Any:
        places = _places(payload)
        if places:
            container, key = dice.choice(places)
            container[key] = change(container[key], dice)
        return payload

    return habit


def _as_text(value: Any, _dice: random.Random) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _as_number(value: Any, _dice: random.Random) -> Any:
    number = read_number(value)
    return value if number is None else number


def _fraction(value: Any, dice: random.Random) -> Any:
    return value + dice.choice([0.0, 0.333]) if isinstance(value, int) else value


def _other_case(value: Any, dice: random.Random) -> Any:
    return getattr(value, dice.choice(["lower", "upper"]))() if isinstance(value, str) else value


def _with_control_characters(value: Any, _dice: random.Random) -> Any:
    return f"{value}\x01" if isinstance(value, str) else value


def _unwrapped(value: Any, _dice: random.Random) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _drop(payload: Any, dice: random.Random) -> Any:
    places = [place for place in _places(payload) if isinstance(place[0], dict)]
    if places:
        container, key = dice.choice(places)
        del container[key]
    return payload


def _add(payload: Any, dice: random.Random) -> Any:
    containers = [payload, *(v for c, k in _places(payload) if isinstance(v := c[k], dict))]
    dice.choice(containers)[dice.choice(["vendorSpecific", "X", "connectorID"])] = {"a": [1]}
    return payload


def _recase_key(payload: Any, dice: random.Random) -> Any:
    places = [place for place in _places(payload) if isinstance(place[0], dict)]
    if places:
        container, key = dice.choice(places)
        container[key[0].upper() + key[1:]] = container.pop(key)
    return payload


MUTATIONS: Sequence[Habit] = (
    _change(lambda _value, _dice: None),
    _change(lambda _value, dice: dice.choice(["", "Unheard", "???"])),
    _change(lambda _value, dice: dice.choice([2**31, 2**63, 10**30, -1, 0])),
    _change(lambda _value, dice: dice.choice([[], {}, True, 1.5, "1,234"])),
    _change(lambda _value, _dice: "x" * 300),
    _change(_as_text),
    _change(_as_number),
    _change(_fraction),
    _change(_other_case),
    _change(_with_control_characters),
    _change(_unwrapped),
    _drop,
    _add,
    _recase_key,
)
_BEFORE = ("", "", "\ufeff", "\ufeff", " \r\n")
_BEHIND = ("", "", "\0", "\0\0", "\r\n", "]", "garbage")


def mutated(message: Message, habits: Sequence[Habit], seed: int) -> bytes:
    """Give the frame of a message after these habits."""
    dice = random.Random(seed)
    payload = json.loads(json.dumps(message.payload))
    for habit in habits:
        payload = habit(payload, dice)
    number = dice.choice(["1", "{" + "A" * 36 + "}", 17])
    text = json.dumps([2, number, message.action, payload], ensure_ascii=dice.random() < 0.5)
    if "\\u0001" in text and dice.random() < 0.5:
        text = text.replace("\\u0001", "\x01")
    return (dice.choice(_BEFORE) + text + dice.choice(_BEHIND)).encode()
