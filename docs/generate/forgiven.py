"""What the engine forgives: each row is read by the reader itself while the page is written."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from docs.generate.table import code, table
from domain.rules.numbers import read_number
from domain.rules.sampled_values import UNREADABLE
from ocpp_server import frames
from ocpp_server.dispatch import CallRefusedError, dispatch
from ocpp_server.peer import Peer
from ocpp_server.protocols import protocols
from ocpp_server.v16.protocol import ESSENTIALS
from ocpp_server.v16.schemas import LENIENCY, request_schema
from storage.fact_records import KnownTransaction

_NOW: Final = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
_STAMP: Final = "2026-01-02T03:04:05Z"
_ROUTES: Final = protocols(boot_retry_interval=1, heartbeat_interval=60)["ocpp1.6"].routes
_START: Final = {"connectorId": 1, "idTag": "CARD", "meterStart": 10, "timestamp": _STAMP}
_STATUS: Final = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
_STOP: Final = {"transactionId": 7, "meterStop": 20, "timestamp": _STAMP}
_SAMPLE: Final = {"value": "1500", "unit": "Wh"}


def _values(*samples: object) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [{"timestamp": _STAMP, "sampledValue": list(samples)}],
    }


def _nowhere(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != "connectorId"}


def _in_lower_case(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in payload.items()}


_ODD_FIELDS: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("`null` in an optional field", "StatusNotification", {**_STATUS, "info": None}),
    ("A field that the standard does not know", "StopTransaction", {**_STOP, "tariff": "night"}),
    ("A field in another case", "StartTransaction", _in_lower_case(_START)),
    ("A number written as text", "StartTransaction", {**_START, "connectorId": "1"}),
    (
        "A fraction in a register of whole numbers",
        "StartTransaction",
        {**_START, "meterStart": 9.6},
    ),
    ("A text written as number", "StartTransaction", {**_START, "idTag": 1234}),
    ("A text that is too long", "StatusNotification", {**_STATUS, "info": "x" * 300}),
    ("A word in another case", "StopTransaction", {**_STOP, "reason": "REMOTE"}),
    ("A reason of its own", "StopTransaction", {**_STOP, "reason": "Cosmic"}),
    ("A status of its own", "StatusNotification", {**_STATUS, "status": "Booting"}),
    ("No `errorCode`", "StatusNotification", {"connectorId": 1, "status": "Available"}),
    (
        "A time that nobody can read",
        "StopTransaction",
        {**_STOP, "timestamp": "07/05/2026 09:30"},
    ),
    ("No usable transaction id", "StopTransaction", {**_STOP, "transactionId": None}),
    (
        "An object where a list is meant",
        "MeterValues",
        _values() | {"meterValue": _values(_SAMPLE)["meterValue"][0]},
    ),
    (
        "Names in the plural, or of OCPP 1.5",
        "MeterValues",
        {"connectorId": 1, "values": _values(_SAMPLE)["meterValue"]},
    ),
    ("A value written as number", "MeterValues", _values({"value": 3.5, "unit": "kWh"})),
    (
        "A unit in another spelling",
        "MeterValues",
        _values({"value": "50", "measurand": "Frequency", "unit": "Hz"}),
    ),
    ("A unit that nobody knows", "MeterValues", _values({"value": "5", "unit": "pulses"}, _SAMPLE)),
    (
        "A measurand that nobody knows",
        "MeterValues",
        _values({"value": "5", "measurand": "Flux"}, _SAMPLE),
    ),
    ("A sample without a value", "MeterValues", _values({"unit": "Wh"}, _SAMPLE)),
    ("No connector, where the transaction tells it", "MeterValues", _nowhere(_values(_SAMPLE))),
    ("No sample at all", "MeterValues", _values()),
    ("No connector", "StartTransaction", _nowhere(_START)),
)
_BEAT: Final = '[2,"1","Heartbeat",{}]'
_ODD_FRAMES: Final[tuple[tuple[str, str], ...]] = (
    ("A byte-order mark before the frame", f"\ufeff{_BEAT}"),
    ("NUL bytes behind it", f"{_BEAT}\0\0"),
    ("Anything behind its end", f"{_BEAT}]garbage"),
    ("A frame that is written as a text", json.dumps(_BEAT)),
    ("A payload that is written as a text", '[2,"1","Heartbeat","{}"]'),
    ("A raw control character in a text", '[2,"1","Authorize",{"idTag":"CARD\x01"}]'),
    ("A message id that is a number", '[2,17,"Heartbeat",{}]'),
    ("A message id of more than 36 characters", f'[2,"{"A" * 40}","Heartbeat",{{}}]'),
    ("A message type written as text", '["2","1","Heartbeat",{}]'),
    ("An action in another case", '[2,"1","heartbeat",{}]'),
    ("No payload", '[2,"1","Heartbeat"]'),
    ("A frame that is cut off", '[2,"1","Heartbeat",{'),
    ("No array", '{"no": "array"}'),
)
_NUMBERS: Final = ("1234.5", "1.2e3", "12,5", "1,234,567", "1,234", "12 kWh", "NaN")
_CUT: Final = 100


def forgiven_fields() -> str:
    """Odd payloads: what was made of each."""
    return table(
        ("What comes", "In", "What is made of it"),
        (
            (what, code(action), _read(json.dumps([2, "1", action, payload])))
            for what, action, payload in _ODD_FIELDS
        ),
    )


def forgiven_frames() -> str:
    """Odd frames: what was made of each."""
    return table(
        ("What comes", "What is made of it"), ((what, _read(raw)) for what, raw in _ODD_FRAMES)
    )


def forgiven_numbers() -> str:
    """Numbers as they are written."""
    return table(("Written", "Read as"), ((code(text), _number(text)) for text in _NUMBERS))


def forgiven_spellings() -> str:
    """Words in another spelling, beside those that differ in case and punctuation only."""
    known: dict[str, list[str]] = {}
    for spelling, word in LENIENCY.spellings.items():
        known.setdefault(word, []).append(spelling)
    return table(
        ("Read as", "Written"),
        ((code(word), ", ".join(map(code, spelt))) for word, spelt in sorted(known.items())),
    )


def essentials() -> str:
    """What each action cannot do without."""
    return table(
        ("Action", "Refused only without", "Else"),
        (
            (code(action), ", ".join(map(code, one.fields)) or "nothing", one.otherwise)
            for action, one in ESSENTIALS.items()
        ),
    )


def _number(text: str) -> str:
    number = read_number(text)
    return "nothing: it is kept as it came" if number is None else f"{number:.10g}"


def _read(raw: str) -> str:
    frame = frames.parse(raw.encode())
    if isinstance(frame, frames.Unreadable):
        return f"Nothing can be answered: {frame.reason}."
    if isinstance(frame, frames.Malformed):
        return f"Refused: {frame.description}"
    assert isinstance(frame, frames.Call), "the examples are requests"  # noqa: S101
    try:
        reply = dispatch(_ROUTES, _peer(), frame, _NOW)
    except CallRefusedError as refusal:
        return f"Refused: {refusal.description}"
    notes = [*reply.repairs, *_unreadable(frame)]
    return f"Kept: {'; '.join(map(_shortened, notes))}." if notes else "Kept, as it is."


def _unreadable(frame: frames.Call) -> Iterator[str]:
    if frame.action not in {"MeterValues", "StopTransaction"}:
        return
    for element in request_schema(frame.action).repair(frame.payload).payload.get("meterValue", []):
        for sample in element.get("sampledValue", []):
            if UNREADABLE in sample:
                yield f"that sample is unreadable ({sample[UNREADABLE]}), its neighbours count"


def _shortened(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:_CUT]}…"


def _peer() -> Peer:
    peer = Peer(
        charge_point_id="cp",
        node_id="node",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=_NOW,
    )
    peer.remember(KnownTransaction(transaction_id="7", number=7))
    return peer
