"""Does the verdict of a run still say something of the charge point as it is now?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.checks import RunView
from domain.facts import BootFact
from domain.rules.identity import same_serial
from domain.states import CheckName


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What is known of a charge point now: ``chosen_at`` is when each value was chosen, by key."""

    serial_number: str
    boot: BootFact | None
    chosen_at: Mapping[str, datetime]


def why_stale(view: RunView, now: Present) -> str | None:
    """Say what has changed since a run that passed; None when nothing has that matters.

    Firmware, configuration or serial number: each makes the verdict one about another charge point.
    """
    checks = {check.name: check for check in view.checks}
    handshake = checks[CheckName.OCPP_HANDSHAKE].evidence
    serials = [handshake.get("charge_point_serial"), handshake.get("charge_box_serial")]
    seen = [str(serial) for serial in serials if serial]
    if seen and not any(same_serial(now.serial_number, serial) for serial in seen):
        return f"was commissioned with the serial number {seen[0]}"
    boot = now.boot
    if boot is not None:
        told = [serial for serial in (boot.charge_point_serial, boot.charge_box_serial) if serial]
        if told and seen and not any(same_serial(one, other) for one in told for other in seen):
            return f"now says that its serial number is {told[0]}, and said {seen[0]} in its run"
        tested = checks[CheckName.FIRMWARE_VERSION].evidence.get("reported")
        if tested != boot.firmware_version:
            return (
                f"now runs firmware {boot.firmware_version or 'of no version'}, "
                f"and was commissioned with {tested or 'none'}"
            )
    since = view.completed_at
    changed = sorted(
        key for key, chosen in now.chosen_at.items() if since is not None and chosen > since
    )
    if changed:
        return f"has had {', '.join(changed)} changed since"
    return None
