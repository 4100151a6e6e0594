"""The configuration keys of a virtual charge point (OCPP 1.6, section 9; security whitepaper)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from simulator.words import Measurand


class Kind(StrEnum):
    """What values a key takes."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    MEASURANDS = "measurands"
    SECRET = "secret"  # noqa: S105 - a kind of key, and no password


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One configuration key."""

    name: str
    default: str
    kind: Kind
    read_only: bool = False


def _integer(name: str, default: int, *, read_only: bool = False) -> Key:
    return Key(name=name, default=str(default), kind=Kind.INTEGER, read_only=read_only)


def _boolean(name: str, *, default: bool, read_only: bool = False) -> Key:
    text = "true" if default else "false"
    return Key(name=name, default=text, kind=Kind.BOOLEAN, read_only=read_only)


MEASURANDS: Final = tuple(one for one in Measurand if one is not Measurand.SOC)
FEATURE_PROFILES: Final = "SupportedFeatureProfiles"
LIST_PROFILE: Final = "LocalAuthListManagement"
LIST_KEYS: Final = ("LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength")
FEATURES: Final = f"Core,FirmwareManagement,{LIST_PROFILE},SmartCharging,RemoteTrigger"
STANDARD_KEYS: Final = (
    _integer("HeartbeatInterval", 300),
    _integer("MeterValueSampleInterval", 60),
    Key(name="MeterValuesSampledData", default=",".join(MEASURANDS), kind=Kind.MEASURANDS),
    _integer("MeterValuesSampledDataMaxLength", 8, read_only=True),
    _integer("ClockAlignedDataInterval", 0),
    # The guide's template has AuthorizationCacheEnabled; the standard's own text varies.
    _boolean("AuthorizationCacheEnabled", default=True),
    _boolean("AuthorizeRemoteTxRequests", default=False),
    _boolean("LocalAuthorizeOffline", default=True),
    _boolean("LocalPreAuthorize", default=False),
    _boolean("AllowOfflineTxForUnknownId", default=False),
    _boolean("LocalAuthListEnabled", default=True),
    _integer("LocalAuthListMaxLength", 1000, read_only=True),
    _integer("SendLocalListMaxLength", 100, read_only=True),
    _integer("ConnectionTimeOut", 60),
    _integer("GetConfigurationMaxKeys", 50, read_only=True),
    _integer("MaxChargingProfilesInstalled", 10, read_only=True),
    _integer("ChargeProfileMaxStackLevel", 10, read_only=True),
    _integer("ChargingScheduleMaxPeriods", 24, read_only=True),
    Key(
        name="ChargingScheduleAllowedChargingRateUnit",
        default="Current,Power",
        kind=Kind.TEXT,
        read_only=True,
    ),
    _boolean("StopTransactionOnInvalidId", default=True),
    _boolean("StopTransactionOnEVSideDisconnect", default=True),
    _boolean("UnlockConnectorOnEVSideDisconnect", default=True),
    _integer("TransactionMessageAttempts", 3),
    _integer("TransactionMessageRetryInterval", 10),
    _integer("ResetRetries", 1),
    _integer("WebSocketPingInterval", 0),
    _integer("SecurityProfile", 1),
    Key(name="AuthorizationKey", default="", kind=Kind.SECRET),
    Key(name=FEATURE_PROFILES, default=FEATURES, kind=Kind.TEXT, read_only=True),
)


@cache
def keys_of(connectors: int) -> Mapping[str, Key]:
    """Return the keys by their name in lower case: names ignore case in OCPP."""
    keys = (*STANDARD_KEYS, _integer("NumberOfConnectors", connectors, read_only=True))
    return {key.name.lower(): key for key in keys}
