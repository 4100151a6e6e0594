"""Does the verdict of a run still say something of the charge point as it is now?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.catalogue import FirmwareRule
from domain.checks import CheckRecord, Evidence, RunView
from domain.facts import BootFact
from domain.rules.configuration import CONFIGURATION_STEP
from domain.rules.connector import covers
from domain.rules.firmware import judge_firmware
from domain.rules.identity import (
    said_serials,
    same_model,
    same_serial,
    same_vendor,
    says_nothing,
)
from domain.states import CheckName


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenValue:
    """A value that was chosen, as text."""

    value: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentState:
    """What is known of a charge point now: ``chosen`` are the values that were chosen, by key.

    ``firmware`` is the rule for its model; ``None`` where there is none, or it is not looked at.
    ``connectors`` is how many it is declared to have; ``None`` where it is asked itself.
    """

    vendor: str
    model: str
    serial_number: str
    boot: BootFact | None
    chosen: Mapping[str, ChosenValue]
    firmware: FirmwareRule | None = None
    connectors: int | None = None


def why_stale(view: RunView, now: PresentState) -> str | None:
    """Say what has changed since a run that passed; None when nothing has that matters.

    Name plate, firmware, which of it is approved, the number of connectors, or configuration: each
    makes the verdict one about another charge point.
    """
    checks = {check.name: check for check in view.checks}
    handshake = checks[CheckName.OCPP_HANDSHAKE]
    firmware = checks[CheckName.FIRMWARE_VERSION].evidence.get("reported")
    return (
        _another_name_plate(handshake.evidence, now)
        or _another_serial_said(_serials_seen(handshake.evidence), now)
        or _another_firmware(None if firmware is None else str(firmware), now)
        or _more_connectors(checks[CheckName.CONNECTOR_AVAILABLE], now)
        or _other_values(view.started_at, handshake, now)
    )


def _another_name_plate(said: Evidence, now: PresentState) -> str | None:
    seen = _serials_seen(said)
    if seen and not any(same_serial(now.serial_number, serial) for serial in seen):
        return f"was commissioned with the serial number {seen[0]}"
    vendor, model = (str(said.get(name) or "") for name in ("vendor", "model"))
    if not says_nothing(vendor) and not same_vendor(now.vendor, vendor):
        return f"was commissioned with the vendor {vendor}"
    if not says_nothing(model) and not same_model(now.vendor, now.model, model):
        return f"was commissioned as the model {model}"
    return None


def _serials_seen(said: Evidence) -> list[str]:
    serials = (said.get("charge_point_serial"), said.get("charge_box_serial"))
    return said_serials(*(str(serial) for serial in serials if serial))


def _another_serial_said(seen: Sequence[str], now: PresentState) -> str | None:
    boot = now.boot
    told = said_serials(boot.charge_point_serial, boot.charge_box_serial) if boot else []
    expected = seen or [now.serial_number]
    if not told or any(same_serial(one, other) for one in told for other in expected):
        return None
    return (
        f"now says that its serial number is {told[0]}, and said {seen[0] if seen else 'none'} "
        "in its run"
    )


def _another_firmware(tested: str | None, now: PresentState) -> str | None:
    boot = now.boot
    if boot is not None and tested != boot.firmware_version:
        return (
            f"now runs firmware {boot.firmware_version or 'of no version'}, "
            f"and was commissioned with {tested or 'none'}"
        )
    if judge_firmware(tested, now.firmware).failure is not None:
        return f"runs firmware {tested or 'of no version'}, which is not approved any more"
    return None


def _more_connectors(looked_at: CheckRecord, now: PresentState) -> str | None:
    if covers(looked_at, now.connectors):
        return None
    return f"has {now.connectors} connectors declared now, and its run looked at fewer"


def _other_values(started_at: datetime, handshake: CheckRecord, now: PresentState) -> str | None:
    """By value: what is chosen while a run goes on is not what the run applies."""
    applied = {
        step.name.removeprefix(CONFIGURATION_STEP): step.evidence.get("desired")
        for step in handshake.steps
        if step.name.startswith(CONFIGURATION_STEP)
    }
    changed = sorted(
        key
        for key, chosen in now.chosen.items()
        if (applied[key] != chosen.value if key in applied else chosen.at > started_at)
    )
    return f"has had {', '.join(changed)} changed since" if changed else None
