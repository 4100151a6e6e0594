"""A charge point's outlets, meters, limits and values: what no OCPP stack brings."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

VOLTS, PHASES = 230, 3
OUTLET_AMPS, STATION_AMPS, LEAST_AMPS = 32.0, 64.0, 6.0
_SECONDS_PER_HOUR = 3600

Profile = dict[str, Any]
"""A charging profile as the `ocpp` package gives it, in snake case, and its `connector_id`."""


@dataclass
class Session:
    """A transaction; ``transaction_id`` comes with the answer to its start."""

    id_tag: str
    transaction_id: int | None = None


@dataclass
class Outlet:
    """One outlet. ``wanted`` is a remote start that waits for a cable."""

    number: int
    status: str = "Available"
    plugged: bool = False
    wanted: Session | None = None
    session: Session | None = None
    amps: float = 0.0
    _register_wh: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    @property
    def watts(self) -> float:
        return self.amps * VOLTS * PHASES

    def count(self) -> int:
        """Its energy register, in Wh."""
        now = time.monotonic()
        self._register_wh += self.watts * (now - self._since) / _SECONDS_PER_HOUR
        self._since = now
        return round(self._register_wh)

    def sampled(self, context: str) -> dict[str, Any]:
        """A meter value: energy, power, and the current of each phase."""
        energy, power, current = (
            {"measurand": measurand, "unit": unit, "value": value, "context": context}
            for measurand, unit, value in (
                ("Energy.Active.Import.Register", "Wh", str(self.count())),
                ("Power.Active.Import", "W", f"{self.watts:.1f}"),
                ("Current.Import", "A", f"{self.amps:.1f}"),
            )
        )
        currents = [current | {"phase": phase} for phase in ("L1", "L2", "L3")]
        return {"timestamp": now(), "sampled_value": [energy, power, *currents]}


class Limits:
    """Charging profiles of one period, in amperes."""

    def __init__(self) -> None:
        self._profiles: list[Profile] = []

    def set(self, profile: Profile, transaction_id: int | None) -> bool:
        """Install it, if it can be; ``transaction_id`` is the one that runs on its connector."""
        schedule = profile["charging_schedule"]
        if schedule["charging_rate_unit"] != "A" or len(schedule["charging_schedule_period"]) != 1:
            return False
        if profile["charging_profile_purpose"] == "TxProfile" and (
            transaction_id is None or profile.get("transaction_id") != transaction_id
        ):
            return False
        place = ("connector_id", "charging_profile_purpose", "stack_level")
        self._profiles = [
            other
            for other in self._profiles
            if other["charging_profile_id"] != profile["charging_profile_id"]
            and any(other[key] != profile[key] for key in place)
        ]
        self._profiles.append(profile)
        return True

    def clear(self, **wanted: Any) -> bool:
        """Forget those with these fields; tells whether there were any."""
        kept = [one for one in self._profiles if any(one.get(k) != v for k, v in wanted.items())]
        cleared = len(kept) < len(self._profiles)
        self._profiles = kept
        return cleared

    @property
    def station(self) -> float:
        """What the charge point may draw in all."""
        return self._highest("ChargePointMaxProfile", STATION_AMPS)

    def outlet(self, number: int, transaction_id: int | None) -> float:
        """What an outlet may draw."""
        default = self._highest("TxDefaultProfile", OUTLET_AMPS, connector_id=(0, number))
        own = self._highest("TxProfile", default, transaction_id=(transaction_id,))
        return min(own, OUTLET_AMPS)

    def _highest(self, purpose: str, otherwise: float, **among: tuple[int | None, ...]) -> float:
        found = [
            one
            for one in self._profiles
            if one["charging_profile_purpose"] == purpose
            and all(one.get(key) in values for key, values in among.items())
        ]
        if not found:
            return otherwise
        best = max(found, key=lambda one: (one["stack_level"], one["connector_id"]))
        return float(best["charging_schedule"]["charging_schedule_period"][0]["limit"])


@dataclass
class Value:
    """A configuration value."""

    value: str
    readonly: bool = False
    restarts: bool = False
    pending: str | None = None


def _configuration() -> dict[str, Value]:
    sampled = "Energy.Active.Import.Register,Power.Active.Import,Current.Import"
    profiles = "Core,FirmwareManagement,SmartCharging,RemoteTrigger"
    fixed = {
        "ChargeProfileMaxStackLevel": "8",
        "ChargingScheduleAllowedChargingRateUnit": "Current",
        "ChargingScheduleMaxPeriods": "1",
        "MaxChargingProfilesInstalled": "10",
        "MeterValuesSampledData": sampled,
        "NumberOfConnectors": "2",
        "SupportedFeatureProfiles": profiles,
    }
    return {
        "AuthorizationCacheEnabled": Value("false"),
        "ConnectionTimeOut": Value("600"),
        "HeartbeatInterval": Value("900"),
        "MeterValueSampleInterval": Value("600", restarts=True),
        **{key: Value(value, readonly=True) for key, value in fixed.items()},
    }


@dataclass
class Station:
    """What outlives a restart."""

    plate: dict[str, Any]
    outlets: dict[int, Outlet] = field(
        default_factory=lambda: {1: Outlet(1), 2: Outlet(2, status="Unavailable")}
    )
    limits: Limits = field(default_factory=Limits)
    configuration: dict[str, Value] = field(default_factory=_configuration)

    def seconds(self, key: str) -> float:
        return float(self.configuration[key].value) / float(self.plate["speed"])


def now() -> str:
    """The time, as OCPP writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
