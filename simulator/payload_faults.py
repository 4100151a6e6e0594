"""Faults that lie in what is said: they bend the payloads of calls just before they are sent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from simulator.fault import Fault
from simulator.frames import Payload
from simulator.station import FAULTED_DETAILS, Station
from simulator.words import Action, ChargePointStatus, Measurand

WRONG_SERIAL = "SN-OF-ANOTHER-ONE"
LONG_SERIAL_LENGTH = 31
PLACEHOLDER_SERIAL = "0000000000"
ODD_STATUS = "Booting"
ODD_ERROR_CODE = "E17-RCD"
ODD_UNIT = "pulses"
OTHER_ERROR = {"errorCode": "OtherError", "vendorErrorCode": "RCD-7", "info": "Leakage seen"}
TAG_LENGTH = 8
STALE = timedelta(days=9)
OTHER_TRANSACTION = 1_850_027_108
_ENERGY_AT = frozenset({"meterStart", "meterStop"})
_SERIALS = frozenset({"chargePointSerialNumber", "chargeBoxSerialNumber"})
_TRANSACTION = frozenset({"transactionId"})
_NAMES = frozenset({"chargePointVendor", "chargePointModel"})

Bend = Callable[[Station, Payload], Payload]


def with_faults(station: Station, action: str, payload: Payload) -> Payload:
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


def _of_connector_1(payload: Payload, change: Payload) -> Payload:
    return payload | change if payload["connectorId"] == 1 else payload


def _odd_error_code(_station: Station, payload: Payload) -> Payload:
    faulted = payload["status"] == ChargePointStatus.FAULTED
    return payload | {"errorCode": ODD_ERROR_CODE} if faulted else payload


def _while_charging(error: Payload, _station: Station, payload: Payload) -> Payload:
    charging = payload["status"] == ChargePointStatus.CHARGING
    return payload | error if charging else payload


def _stale(_station: Station, payload: Payload) -> Payload:
    stamp = datetime.fromisoformat(payload["timestamp"]) - STALE
    return payload | {"timestamp": stamp.isoformat().replace("+00:00", "Z")}


def _samples(payload: Payload, change: Callable[[list[Payload]], list[Payload]]) -> Payload:
    """Change the samples of MeterValues, or of the transaction data of a stop."""
    changed: Payload = dict(payload)
    for name in {"meterValue", "transactionData"} & payload.keys():
        changed[name] = [
            one | {"sampledValue": change(one["sampledValue"])} for one in payload[name]
        ]
    return changed


def _odd_unit(_station: Station, payload: Payload) -> Payload:
    frequency = {"measurand": "Frequency", "unit": "Hz", "value": "50.01"}
    return _samples(payload, lambda samples: [*samples, frequency])


def _numeric(_station: Station, payload: Payload) -> Payload:
    fractions = {name: payload[name] + 0.25 for name in _ENERGY_AT & payload.keys()}

    def change(samples: list[Payload]) -> list[Payload]:
        return [one | {"value": float(one["value"])} for one in samples]

    return _samples(payload | fractions, change)


def _unknown_energy_unit(_station: Station, payload: Payload) -> Payload:
    def change(samples: list[Payload]) -> list[Payload]:
        return [
            one | {"unit": ODD_UNIT} if one["measurand"] == Measurand.ENERGY else one
            for one in samples
        ]

    return _samples(payload, change)


_OF_THE_VENDOR: dict[str, Any] = {"transactionId": None, "acmeSession": {"id": 7}, "tariff": ""}
_BOOT = frozenset({Action.BOOT_NOTIFICATION})
_STATUS = frozenset({Action.STATUS_NOTIFICATION})
_METER_VALUES = frozenset({Action.METER_VALUES})
_STOP = frozenset({Action.STOP_TRANSACTION})
_WITH_SAMPLES = _METER_VALUES | _STOP
_WITH_TAG = _STOP | {Action.AUTHORIZE, Action.START_TRANSACTION}

_BENDS: tuple[tuple[Fault, frozenset[Action], Bend], ...] = (
    (Fault.WRONG_SERIAL, _BOOT, lambda _, payload: _serial(payload, lambda _serial: WRONG_SERIAL)),
    (
        Fault.LONG_SERIAL,
        _BOOT,
        lambda _, payload: _serial(payload, lambda serial: serial.ljust(LONG_SERIAL_LENGTH, "0")),
    ),
    (Fault.EMPTY_VENDOR, _BOOT, lambda _, payload: payload | {"chargePointVendor": ""}),
    (Fault.NO_SERIAL, _BOOT, lambda _, payload: _without(payload, _SERIALS)),
    (
        Fault.PLACEHOLDER_SERIAL,
        _BOOT,
        lambda _, payload: _serial(payload, lambda _serial: PLACEHOLDER_SERIAL),
    ),
    (Fault.NAMELESS, _BOOT, lambda _, payload: _without(payload, _NAMES)),
    (
        Fault.ZERO_TRANSACTION_ID,
        _METER_VALUES,
        lambda _, payload: payload | dict.fromkeys(payload.keys() & _TRANSACTION, 0),
    ),
    (
        Fault.ODD_STATUS,
        _STATUS,
        lambda _, payload: _of_connector_1(payload, {"status": ODD_STATUS}),
    ),
    (Fault.ODD_ERROR_CODE, _STATUS, _odd_error_code),
    (Fault.UNSAFE_WHILE_CHARGING, _STATUS, partial(_while_charging, FAULTED_DETAILS)),
    (Fault.ERROR_WHILE_CHARGING, _STATUS, partial(_while_charging, OTHER_ERROR)),
    (Fault.STALE_STAMPS, _STATUS, _stale),
    (Fault.STOP_WITHOUT_ID, _STOP, lambda _, payload: payload | _OF_THE_VENDOR),
    (
        Fault.CUTS_TAGS,
        _WITH_TAG,
        lambda _, payload: (
            payload | {name: payload[name][:TAG_LENGTH] for name in {"idTag"} & payload.keys()}
        ),
    ),
    (
        Fault.STOPS_ANOTHER,
        _STOP,
        lambda _, payload: payload | {"transactionId": OTHER_TRANSACTION},
    ),
    (
        Fault.METERS_THE_STATION,
        _METER_VALUES,
        lambda _, payload: _without(payload, _TRANSACTION) | {"connectorId": 0},
    ),
    (Fault.ODD_UNIT, _WITH_SAMPLES, _odd_unit),
    (Fault.NUMERIC_VALUES, _WITH_SAMPLES | {Action.START_TRANSACTION}, _numeric),
    (Fault.UNKNOWN_ENERGY_UNIT, _WITH_SAMPLES, _unknown_energy_unit),
    (
        Fault.WRONG_CONNECTOR,
        _METER_VALUES | _STATUS | {Action.START_TRANSACTION},
        _wrong_connector,
    ),
)
