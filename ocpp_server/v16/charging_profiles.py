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


_NUMBERS: Final = {Purpose.STATION: 1, Purpose.DEFAULT: 10, Purpose.TRANSACTION: 100}
"""Of the profiles that are set here; of one of a connector, plus the connector."""


def station_max(amps: float, form: LimitForm) -> Command:
    """ChargePointMaxProfile: what the charge point may draw in all."""
    return _set(Purpose.STATION, WHOLE_STATION, amps, form)


def default(connector_id: int, amps: float, form: LimitForm) -> Command:
    """TxDefaultProfile: what a transaction may draw without a limit of its own."""
    return _set(Purpose.DEFAULT, connector_id, amps, form)


def transaction(limit: ConnectorLimit) -> Command:
    """TxProfile: what this transaction may draw."""
    number = transaction_number(limit.transaction_id)
    return _set(Purpose.TRANSACTION, limit.connector_id, limit.amps, limit.form, number)


def clear_all(purpose: Purpose) -> Command:
    """ClearChargingProfile of whatever anybody has set for that purpose."""
    return "ClearChargingProfile", {"chargingProfilePurpose": purpose}


def clear_one(purpose: Purpose, connector_id: int) -> Command:
    """ClearChargingProfile of what was set here for that purpose, by its number."""
    return "ClearChargingProfile", {"id": _number(purpose, connector_id)}


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


def _number(purpose: Purpose, connector_id: int) -> int:
    return _NUMBERS[purpose] + (0 if purpose is Purpose.STATION else connector_id)


def _set(
    purpose: Purpose,
    connector_id: int,
    amps: float,
    form: LimitForm,
    running: int | None = None,
) -> Command:
    """SetChargingProfile with one period without end, from now on or of that transaction.

    It is rounded down, for a limit that is rounded up is none.
    """
    limit = amps if form.unit is RateUnit.AMPERES else form.watts(amps)
    tenths = floor(round(limit * 10, _DECIMALS))
    of: Payload = {}
    begins: Payload = {}
    if running is None:
        begins = {"startSchedule": timestamp(datetime.now(UTC) - _BEGAN)}
    else:
        of = {"transactionId": running}
    profile: Payload = {
        "chargingProfileId": _number(purpose, connector_id),
        **of,
        "stackLevel": form.stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute" if running is None else "Relative",
        "chargingSchedule": {
            **begins,
            "chargingRateUnit": form.unit,
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": tenths / 10, "numberPhases": form.phases}
            ],
        },
    }
    return "SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile}
