"""Does the verdict of a run still say something of the charge point as it is now?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.catalogue import FirmwareRule
from domain.checks import RunView
from domain.facts import BootFact
from domain.rules.configuration import CONFIGURATION_STEP
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
class Chosen:
    """A value that was chosen, as text."""

    value: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What is known of a charge point now: ``chosen`` are the values that were chosen, by key.

    ``firmware`` is the rule for its model; ``None`` where there is none, or it is not looked at.
    """

    vendor: str
    model: str
    serial_number: str
    boot: BootFact | None
    chosen: Mapping[str, Chosen]
    firmware: FirmwareRule | None = None


def why_stale(view: RunView, now: Present) -> str | None:
    """Say what has changed since a run that passed; None when nothing has that matters.

    Name plate, firmware, which of it is approved, or configuration: each makes the verdict one
    about another charge point.
    """
    checks = {check.name: check for check in view.checks}
    handshake = checks[CheckName.OCPP_HANDSHAKE].evidence
    serials = (handshake.get("charge_point_serial"), handshake.get("charge_box_serial"))
    seen = said_serials(*(str(serial) for serial in serials if serial))
    if seen and not any(same_serial(now.serial_number, serial) for serial in seen):
        return f"was commissioned with the serial number {seen[0]}"
    vendor, model = (str(handshake.get(name) or "") for name in ("vendor", "model"))
    if not says_nothing(vendor) and not same_vendor(now.vendor, vendor):
        return f"was commissioned with the vendor {vendor}"
    if not says_nothing(model) and not same_model(now.vendor, now.model, model):
        return f"was commissioned as the model {model}"
    boot = now.boot
    if boot is not None:
        told = said_serials(boot.charge_point_serial, boot.charge_box_serial)
        if told and not seen and not any(same_serial(now.serial_number, one) for one in told):
            return f"now says that its serial number is {told[0]}, and said none in its run"
        if told and seen and not any(same_serial(one, other) for one in told for other in seen):
            return f"now says that its serial number is {told[0]}, and said {seen[0]} in its run"
        tested = checks[CheckName.FIRMWARE_VERSION].evidence.get("reported")
        if tested != boot.firmware_version:
            return (
                f"now runs firmware {boot.firmware_version or 'of no version'}, "
                f"and was commissioned with {tested or 'none'}"
            )
    firmware = checks[CheckName.FIRMWARE_VERSION].evidence.get("reported")
    reported = None if firmware is None else str(firmware)
    if judge_firmware(reported, now.firmware).failure is not None:
        return f"runs firmware {reported or 'of no version'}, which is not approved any more"
    # By value: what is chosen while a run goes on is not what the run applies.
    applied = {
        step.name.removeprefix(CONFIGURATION_STEP): step.evidence.get("desired")
        for step in checks[CheckName.OCPP_HANDSHAKE].steps
        if step.name.startswith(CONFIGURATION_STEP)
    }
    changed = sorted(
        key
        for key, chosen in now.chosen.items()
        if (applied[key] != chosen.value if key in applied else chosen.at > view.started_at)
    )
    if changed:
        return f"has had {', '.join(changed)} changed since"
    return None
