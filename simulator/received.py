"""Commands with an effect that a charge point received, for who counts them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.frames import Call

_EFFECTS = {"RemoteStartTransaction", "Reset", "UpdateFirmware"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One frame. ``id_tag`` is that of a RemoteStartTransaction."""

    action: str
    at: datetime
    id_tag: str | None = None


def received(call: Call) -> list[Received]:
    """Say what arrived; nothing of a call without an effect."""
    if call.action not in _EFFECTS:
        return []
    id_tag = call.payload.get("idTag") if isinstance(call.payload, dict) else None
    return [Received(action=call.action, at=datetime.now(UTC), id_tag=id_tag)]
