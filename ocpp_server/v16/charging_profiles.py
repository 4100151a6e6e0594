"""Charging profiles in OCPP 1.6: what is set, cleared and read back (§3.13, §5.5, §5.7, §5.16)."""

from typing import Any, Final

from domain.power.operations import ConnectorLimit, RateUnit
from domain.power.site import NOMINAL_VOLTAGE
from ocpp_server.dispatch import Payload
from ocpp_server.v16.commands import Command
from ocpp_server.v16.times import timestamp

WHOLE_STATION: Final = 0
_STATION_PROFILE: Final = 1
_DEFAULT_PROFILE: Final = 10  # plus the connector
_TRANSACTION_PROFILE: Final = 100  # plus the connector
_LOOK_AHEAD: Final = 60  # seconds


def station_max(amps: float, *, phases: int, unit: RateUnit) -> Command:
    """ChargePointMaxProfile: what the charge point may draw in all."""
    return _set(
        WHOLE_STATION,
        {
            "chargingProfileId": _STATION_PROFILE,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            **_absolute(amps, phases=phases, unit=unit),
        },
    )


def default(connector_id: int, amps: float, *, phases: int, unit: RateUnit) -> Command:
    """TxDefaultProfile: what a transaction may draw without a limit of its own."""
    return _set(
        connector_id,
        {
            "chargingProfileId": _DEFAULT_PROFILE + connector_id,
            "chargingProfilePurpose": "TxDefaultProfile",
            **_absolute(amps, phases=phases, unit=unit),
        },
    )


def transaction(limit: ConnectorLimit) -> Command:
    """TxProfile: what this transaction may draw."""
    return _set(
        limit.connector_id,
        {
            "chargingProfileId": _TRANSACTION_PROFILE + limit.connector_id,
            "transactionId": limit.transaction_id,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": _schedule(limit.amps, phases=limit.phases, unit=limit.unit),
        },
    )


def clear_default(connector_id: int) -> Command:
    """ClearChargingProfile of what :func:`default` has set."""
    return "ClearChargingProfile", {"id": _DEFAULT_PROFILE + connector_id}


def clear_transaction(connector_id: int) -> Command:
    """ClearChargingProfile of what :func:`transaction` has set."""
    return "ClearChargingProfile", {"id": _TRANSACTION_PROFILE + connector_id}


def composite(unit: RateUnit) -> Command:
    """GetCompositeSchedule of the whole charge point."""
    return "GetCompositeSchedule", {
        "connectorId": WHOLE_STATION,
        "duration": _LOOK_AHEAD,
        "chargingRateUnit": unit,
    }


def reported_amps(answer: Payload, *, phases: int) -> float | None:
    """Read the highest limit of a composite schedule, per phase; None when it tells none."""
    schedule: dict[str, Any] = answer.get("chargingSchedule") or {}
    limits = [period["limit"] for period in schedule.get("chargingSchedulePeriod", ())]
    if answer.get("status") != "Accepted" or not limits:
        return None
    highest = float(max(limits))
    watts = schedule.get("chargingRateUnit") == RateUnit.WATTS
    return highest / (NOMINAL_VOLTAGE * phases) if watts else highest


def _set(connector_id: int, profile: Payload) -> Command:
    return "SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile}


def _absolute(amps: float, *, phases: int, unit: RateUnit) -> Payload:
    schedule = _schedule(amps, phases=phases, unit=unit)
    return {
        "stackLevel": 0,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"startSchedule": timestamp(), **schedule},
    }


def _schedule(amps: float, *, phases: int, unit: RateUnit) -> Payload:
    """One period without end; rounded down, for a limit that is rounded up is none."""
    limit = amps if unit is RateUnit.AMPERES else amps * NOMINAL_VOLTAGE * phases
    return {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": int(limit * 10) / 10, "numberPhases": phases}
        ],
    }
