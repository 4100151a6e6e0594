"""What a model of charge point is: its name plate and its habits."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One model of charge point. Durations are in seconds before `speed` shortens them."""

    name: str
    vendor: str
    model: str
    firmware: str
    max_power_w: float
    connectors: int = 1
    phases: int = 3
    direct_current: bool = False
    voltage: float = 230.0
    register_step_wh: float = 1.0
    """Resolution of the energy register; real meters report steps of 1 to 100 Wh."""

    serial_in_charge_box: bool = False
    """The serial number is in chargeBoxSerialNumber, not in chargePointSerialNumber."""
    boots_on_reconnect: bool = True
    status_while_pending: bool = False
    """Reports its connectors before it is accepted, which the standard forbids."""
    auto_plug: bool = True
    """A vehicle, or a tester, is plugged in by itself when a remote start comes."""
    transaction_data: bool = False
    """StopTransaction carries the readings of the beginning and of the end."""
    closing_reading: bool = False
    """A last MeterValues follows the StopTransaction."""
    tethered: bool = False
    """A fixed cable: UnlockConnector is NotSupported."""
    reconnects_for_new_key: bool = True
    """A new AuthorizationKey is put to use at once, by a reconnect."""
    reboot_keys: frozenset[str] = frozenset({"WebSocketPingInterval", "SecurityProfile"})
    """Configuration keys whose new value counts after a reboot."""
    configuration: dict[str, str] = field(default_factory=dict)
    """Defaults of configuration keys that differ from the usual ones."""

    shared_outlet: bool = False
    """Its connectors share one outlet: while one is in use, the others are Unavailable."""

    plug_seconds: float = 1.0
    unplug_seconds: float = 1.0
    reboot_seconds: float = 5.0
    firmware_step_seconds: float = 2.0


ABB_TERRA_AC_W22: Final = Profile(
    name="ABB Terra AC W22",
    vendor="ABB",
    model="ABB Terra AC W22",
    firmware="1.8.21",
    max_power_w=22_000,
)
ALFEN_EVE_SINGLE: Final = Profile(
    name="Alfen Eve Single Pro-line",
    vendor="Alfen BV",
    model="Eve Single Pro-line",
    firmware="4.15.7-4054",
    max_power_w=11_000,
    register_step_wh=10,
    serial_in_charge_box=True,
    transaction_data=True,
    closing_reading=True,
    boots_on_reconnect=False,
    reboot_keys=frozenset(
        {"WebSocketPingInterval", "SecurityProfile", "AuthorizationCacheEnabled"}
    ),
)
KEMPOWER_SATELLITE: Final = Profile(
    name="Kempower Satellite",
    vendor="Kempower",
    model="S-Series Satellite",
    firmware="2.4.3.0",
    max_power_w=150_000,
    connectors=2,
    direct_current=True,
    voltage=400.0,
    register_step_wh=100,
    tethered=True,
    status_while_pending=True,
    configuration={"GetConfigurationMaxKeys": "10", "MeterValueSampleInterval": "10"},
)
MODELS: Final[dict[str, Profile]] = {
    profile.name: profile for profile in (ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE, KEMPOWER_SATELLITE)
}


def find_model(name: str) -> Profile:
    """Return the model of that name, in any case, or raise LookupError."""
    for known, profile in MODELS.items():
        if known.casefold() == name.strip().casefold():
            return profile
    raise LookupError(f"no model is named '{name}'")
