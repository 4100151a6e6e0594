"""Faults that lie in what is said: they bend the payloads of calls just before they are sent."""

from collections.abc import Callable

from simulator.fault import Fault
from simulator.frames import Payload
from simulator.station import Station
from simulator.words import Action

WRONG_SERIAL = "SN-OF-ANOTHER-ONE"
LONG_SERIAL_LENGTH = 31
PLACEHOLDER_SERIAL = "0000000000"
_SERIALS = frozenset({"chargePointSerialNumber", "chargeBoxSerialNumber"})
_NAMES = frozenset({"chargePointVendor", "chargePointModel"})

Bend = Callable[[Station, Payload], Payload]


def bent(station: Station, action: str, payload: Payload) -> Payload:
    """Return the payload as this station's faults make it."""
    for fault, actions, bend in _BENDS:
        if action in actions and station.has(fault):
            payload = bend(station, payload)
    return payload


def _serial(payload: Payload, change: Callable[[str], str]) -> Payload:
    return payload | {name: change(payload[name]) for name in _SERIALS & payload.keys()}


def _without(payload: Payload, names: frozenset[str]) -> Payload:
    return {name: value for name, value in payload.items() if name not in names}


def _wrong_connector(station: Station, payload: Payload) -> Payload:
    number = payload["connectorId"]
    if number == 0:
        return payload
    if station.profile.connectors == 1:
        # There is no other to report the status of, yet the meter is the other's.
        return payload if "status" in payload else payload | {"connectorId": number + 1}
    return payload | {"connectorId": number % station.profile.connectors + 1}


_BENDS: tuple[tuple[Fault, frozenset[Action], Bend], ...] = (
    (
        Fault.WRONG_SERIAL,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: _serial(payload, lambda _serial: WRONG_SERIAL),
    ),
    (
        Fault.LONG_SERIAL,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: _serial(
            payload, lambda serial: serial.ljust(LONG_SERIAL_LENGTH, "0")
        ),
    ),
    (
        Fault.EMPTY_VENDOR,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: payload | {"chargePointVendor": ""},
    ),
    (
        Fault.NO_SERIAL,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: _without(payload, _SERIALS),
    ),
    (
        Fault.PLACEHOLDER_SERIAL,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: _serial(payload, lambda _serial: PLACEHOLDER_SERIAL),
    ),
    (
        Fault.NAMELESS,
        frozenset({Action.BOOT_NOTIFICATION}),
        lambda _station, payload: _without(payload, _NAMES),
    ),
    (
        Fault.ZERO_TRANSACTION_ID,
        frozenset({Action.METER_VALUES}),
        lambda _station, payload: payload | dict.fromkeys(payload.keys() & {"transactionId"}, 0),
    ),
    (
        Fault.WRONG_CONNECTOR,
        frozenset({Action.START_TRANSACTION, Action.METER_VALUES, Action.STATUS_NOTIFICATION}),
        _wrong_connector,
    ),
)
