"""Charging profiles in OCPP 1.6: what is set, cleared and read back (§3.13, §5.5, §5.7, §5.16)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import floor
from typing import Any, Final

from domain.power.operations import ConnectorLimit, LimitForm, RateUnit
from ocpp_server.dispatch import Payload
from ocpp_server.v16.commands import Command
from ocpp_server.v16.fields import timestamp, transaction_number

MAX_STACK_LEVEL: Final = "ChargeProfileMaxStackLevel"
RATE_UNITS: Final = "ChargingScheduleAllowedChargingRateUnit"
WHOLE_STATION: Final = 0
_STATION_PROFILE: Final = 1
_DEFAULT_PROFILE: Final = 10  # plus the connector
_TRANSACTION_PROFILE: Final = 100  # plus the connector
_LOOK_AHEAD: Final = 60  # seconds
_TOLERANCE: Final = 0.5  # amperes; some charge points report whole ones
_DECIMALS: Final = 6
_BEGAN: Final = timedelta(days=1)
"""So long ago that the profile counts though the charge point's clock is behind."""


class Purpose(StrEnum):
    """What a profile is for (§7.11 ChargingProfilePurposeType)."""

    STATION = "ChargePointMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TRANSACTION = "TxProfile"


def station_max(amps: float, form: LimitForm) -> Command:
    """ChargePointMaxProfile: what the charge point may draw in all."""
    return _absolute(WHOLE_STATION, _STATION_PROFILE, Purpose.STATION, amps, form)


def default(connector_id: int, amps: float, form: LimitForm) -> Command:
    """TxDefaultProfile: what a transaction may draw without a limit of its own."""
    number = _DEFAULT_PROFILE + connector_id
    return _absolute(connector_id, number, Purpose.DEFAULT, amps, form)


def transaction(limit: ConnectorLimit) -> Command:
    """TxProfile: what this transaction may draw."""
    return _set(
        limit.connector_id,
        {
            "chargingProfileId": _TRANSACTION_PROFILE + limit.connector_id,
            "transactionId": transaction_number(limit.transaction_id),
            "stackLevel": limit.form.stack_level,
            "chargingProfilePurpose": Purpose.TRANSACTION,
            "chargingProfileKind": "Relative",
            "chargingSchedule": _schedule(limit.amps, limit.form),
        },
    )


def clear_all(purpose: Purpose) -> Command:
    """ClearChargingProfile of whatever anybody has set for that purpose."""
    return "ClearChargingProfile", {"chargingProfilePurpose": purpose}


def clear_one(purpose: Purpose, connector_id: int) -> Command:
    """ClearChargingProfile of what was set here for that purpose, by its number."""
    match purpose:
        case Purpose.STATION:
            number = _STATION_PROFILE
        case Purpose.DEFAULT:
            number = _DEFAULT_PROFILE + connector_id
        case Purpose.TRANSACTION:
            number = _TRANSACTION_PROFILE + connector_id
    return "ClearChargingProfile", {"id": number}


def composite(connector_id: int, unit: RateUnit) -> Command:
    """GetCompositeSchedule of a connector, or of the whole charge point."""
    return "GetCompositeSchedule", {
        "connectorId": connector_id,
        "duration": _LOOK_AHEAD,
        "chargingRateUnit": unit,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The highest limit of a composite schedule, in the charge point's own unit."""

    limit: float
    unit: RateUnit

    def agrees(self, amps: float, form: LimitForm) -> bool:
        """Whether it is what the charge point was told, or less."""
        most = amps + _TOLERANCE
        if self.unit is RateUnit.AMPERES:
            return self.limit <= most
        if form.unit is RateUnit.AMPERES:
            return self.limit <= most * form.voltage * form.phases
        return self.limit <= form.watts(amps) + _TOLERANCE * form.voltage

    def amps(self, form: LimitForm) -> float:
        """The same in amperes, as they are counted in that form."""
        if self.unit is RateUnit.AMPERES:
            return self.limit
        if form.unit is RateUnit.AMPERES or form.direct_current:
            return self.limit / (form.voltage * form.phases)
        return min(self.limit / form.voltage, float(form.max_amps))

    def __str__(self) -> str:
        """As it is said to people."""
        return f"{self.limit:g} {self.unit}"


def reported(answer: Payload) -> Reported | None:
    """Read the answer to :func:`composite`; None when it tells no limit."""
    schedule: dict[str, Any] = answer.get("chargingSchedule") or {}
    limits = [period["limit"] for period in schedule.get("chargingSchedulePeriod", ())]
    if answer.get("status") != "Accepted" or not limits:
        return None
    watts = schedule.get("chargingRateUnit") == RateUnit.WATTS
    unit = RateUnit.WATTS if watts else RateUnit.AMPERES
    return Reported(limit=round(float(max(limits)), 1), unit=unit)


def _set(connector_id: int, profile: Payload) -> Command:
    return "SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile}


def _absolute(
    connector_id: int, number: int, purpose: Purpose, amps: float, form: LimitForm
) -> Command:
    began = timestamp(datetime.now(UTC) - _BEGAN)
    return _set(
        connector_id,
        {
            "chargingProfileId": number,
            "stackLevel": form.stack_level,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"startSchedule": began, **_schedule(amps, form)},
        },
    )


def _schedule(amps: float, form: LimitForm) -> Payload:
    """One period without end; rounded down, for a limit that is rounded up is none."""
    limit = amps if form.unit is RateUnit.AMPERES else form.watts(amps)
    tenths = floor(round(limit * 10, _DECIMALS))
    return {
        "chargingRateUnit": form.unit,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": tenths / 10, "numberPhases": form.phases}
        ],
    }
