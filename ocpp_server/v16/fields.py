"""Reading fields of payloads whose types the schema has checked, and whose ranges nobody has."""

from datetime import UTC, datetime
from typing import Any, Final

from ocpp_server.dispatch import CallRefusedError
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from storage.fact_records import MeterEntry

MAX_CONNECTOR: Final = 1000
_MAX_INTEGER: Final = 2**62


def connector_id(payload: dict[str, Any]) -> int:
    """Return ``connectorId``; refuse what no charge point has."""
    value: int = payload["connectorId"]
    if not 0 <= value <= MAX_CONNECTOR:
        raise CallRefusedError(
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "connectorId is out of range."
        )
    return value


def integer(payload: dict[str, Any], key: str) -> int:
    """Return an integer that fits the database."""
    value: int = payload[key]
    if not -_MAX_INTEGER <= value <= _MAX_INTEGER:
        raise CallRefusedError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"{key} is out of range.")
    return value


def text(payload: dict[str, Any], key: str, limit: int) -> str | None:
    """Return a text, cut to the column's width."""
    value = payload.get(key)
    return value[:limit] if isinstance(value, str) else None


def moment(value: object, fallback: datetime) -> datetime:
    """Read a charger's time stamp: without a zone it is UTC; unreadable, it is the fallback."""
    if not isinstance(value, str):
        return fallback
    try:
        stamp = datetime.fromisoformat(value.strip())
        if stamp.tzinfo is UTC:
            return stamp
        return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    except (ValueError, OverflowError):
        return fallback


def stamped(peer: Peer, value: object, now: datetime) -> datetime:
    """Read a time stamp, and learn from it how the charger's clock stands."""
    stamp = moment(value, now)
    if stamp is not now:
        peer.measure_clock(stamp, now)
    return stamp


def meter_entries(peer: Peer, elements: list[dict[str, Any]], now: datetime) -> list[MeterEntry]:
    """Read ``meterValue`` or ``transactionData``; the samples stay as they were sent."""
    return [
        MeterEntry(at=stamped(peer, element["timestamp"], now), samples=element["sampledValue"])
        for element in elements
    ]
