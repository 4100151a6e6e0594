"""How values of the record are written for a reader: names, units, times."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.checks import Scalar
from domain.states import CheckName, CheckResult

CHECK_TITLES: Final = {
    CheckName.OCPP_HANDSHAKE: "OCPP handshake",
    CheckName.FIRMWARE_VERSION: "Firmware version",
    CheckName.CONNECTOR_AVAILABLE: "Connectors",
    CheckName.TEST_TRANSACTION: "Test charge",
}
RESULTS: Final = {
    CheckResult.PENDING: "Not run",
    CheckResult.RUNNING: "Running",
    CheckResult.PASSED: "Passed",
    CheckResult.FAILED: "Failed",
    CheckResult.SKIPPED: "Skipped",
}
_NAMES: Final = {
    "ping_ms": "Round trip",
    "clock_skew_s": "Clock skew",
    "keys_reported": "Configuration keys read",
    "reboots": "Restarts",
    "ocpp_version": "OCPP",
    "charge_point_serial": "Serial it reports",
    "charge_box_serial": "Box serial it reports",
    "reported": "Version it reports",
    "version": "Version",
    "connector_id": "Connector",
    "transaction_id": "Transaction",
    "meter_start_wh": "Register at start",
    "meter_stop_wh": "Register at end",
    "transaction_energy_wh": "Energy of the transaction",
    "register_energy_wh": "… between first and last sample",
    "power_over_time_wh": "… the same, from power",
    "samples": "Samples",
    "register_resolution_wh": "Register resolution",
    "relative_tolerance": "Tolerance",
}
_UNITS: Final = (("_wh", "Wh"), ("_ms", "ms"), ("_s", "s"), ("_w", "W"))
_DIGITS: Final = 3
_SMALL_WH: Final = 10


def name_of(key: str) -> str:
    """Name a measured value; one that nobody named yet is spelt as its key, without the unit."""
    if key in _NAMES:
        return _NAMES[key]
    for ending, _unit in _UNITS:
        key = key.removesuffix(ending)
    return key.replace("_", " ").capitalize()


def value_of(key: str, value: Scalar | list[Scalar]) -> str:
    """Write a measured value with its unit."""
    if isinstance(value, list):
        return ", ".join(value_of("", one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not given"
    if key == "relative_tolerance" and isinstance(value, float):
        return f"{value:.0%}"
    if key.endswith("_ms") and isinstance(value, int | float):
        return _milliseconds(value)
    unit = next((unit for ending, unit in _UNITS if key.endswith(ending)), "")
    return f"{number(value)} {unit}".strip() if isinstance(value, int | float) else str(value)


def energy(watt_hours: float) -> str:
    """Write an energy as registers count: in whole Wh, where it is not very small."""
    return f"{number(round(watt_hours, 0 if abs(watt_hours) >= _SMALL_WH else 1))} Wh"


def position(latitude: float, longitude: float) -> str:
    """Write where something stands, as maps take it: 51.454500° N, 2.587900° W."""
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.6f}° {north}, {abs(longitude):.6f}° {east}"


def _milliseconds(value: float) -> str:
    return "under 1 ms" if 0 <= value < 1 else f"{number(round(value, 0))} ms"


def number(value: float | Decimal) -> str:
    """Write a number with three decimals at most, and none too many."""
    text = f"{value:,.{_DIGITS}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    return "0" if text in {"-0", ""} else text.replace("-", "−")  # noqa: RUF001 - a minus sign


def moment(at: datetime, time_zone: str = "UTC") -> str:
    """Write a moment for a reader, in UTC and by the clock at the site where that is another.

    1 May 2026, 09:37:22 UTC (10:37 BST)
    """
    said = f"{at.day} {at:%B %Y, %H:%M:%S} UTC"
    local = at.astimezone(ZoneInfo(time_zone))
    if not local.utcoffset():
        return said
    day = "" if local.date() == at.astimezone(UTC).date() else f"{local.day} {local:%B}, "
    name = local.tzname() or ""
    if not name.isalpha():  # such as +0530: a zone without a name
        name = f"UTC{local.isoformat()[-6:]}"
    return f"{said} ({day}{local:%H:%M} {name})"


def verdict(*, passed: bool, tested: bool, untested: str | None = None) -> tuple[str, CheckResult]:
    """Name a run's verdict, and by which result it is coloured: without a test charge not green.

    ``untested`` says which connectors had none, where others had one.
    """
    if not passed:
        return "Failed", CheckResult.FAILED
    if tested and untested:
        return f"Passed, {untested}", CheckResult.SKIPPED
    if tested:
        return "Passed", CheckResult.PASSED
    return "Passed, without a test charge", CheckResult.SKIPPED


def duration(seconds: float) -> str:
    """Write how long something took: under 1 ms, 850 ms, 17 s, 3 min 5 s."""
    if seconds < 1:
        return _milliseconds(seconds * 1000)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
