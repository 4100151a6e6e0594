"""Reading fields of payloads: types are as the schema says, ranges are not, and any may be missing.

A payload that broke its schema was repaired (:mod:`ocpp_server.repair`); what could not be read is
not in it. Each handler says what it cannot do without.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from ocpp_server.dispatch import CallRefusedError
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from storage.fact_records import MeterEntry

MAX_CONNECTOR: Final = 1000
NO_TRANSACTION: Final = (0, -1)
"""What some charge points send for an id that they lost."""
_TRIGGERED: Final = "Trigger"  # ReadingContext (OCPP 1.6 §7.38)
_MAX_INTEGER: Final = 2**62
_DIGIT: Final = re.compile(r"\d")
_FORM: Final = 40


def connector_id(payload: dict[str, Any]) -> int:
    """Return ``connectorId``; refuse what no charge point has."""
    value: int | None = payload.get("connectorId")
    if value is None:
        raise missing("connectorId")
    if not 0 <= value <= MAX_CONNECTOR:
        raise CallRefusedError(
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "connectorId is out of range."
        )
    return value


def missing(key: str) -> CallRefusedError:
    """Make the refusal of a message that says nothing without this field."""
    return CallRefusedError(ErrorCode.PROTOCOL_ERROR, f"{key} is missing or cannot be read.")


def integer(payload: dict[str, Any], key: str) -> int | None:
    """Return an integer that fits the database; None where there is none."""
    value: int | None = payload.get(key)
    return value if value is not None and -_MAX_INTEGER <= value <= _MAX_INTEGER else None


def transaction_id(number: int | None) -> str | None:
    """Return what the engine calls a transaction of that ``transactionId``.

    None where there is none, or where the charge point has lost it.
    """
    return None if number is None or number in NO_TRANSACTION else str(number)


def transaction_number(transaction_id: str) -> int:
    """Return the ``transactionId`` of what the engine calls so."""
    return int(transaction_id)


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


def timestamp(at: datetime | None = None) -> str:
    """Write RFC 3339 in UTC with milliseconds and ``Z``; now, when no moment is given."""
    moment = at or datetime.now(UTC)
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def stamped(
    peer: Peer,
    value: object,
    now: datetime,
    *,
    says_now: bool = True,
    is_live: bool = False,
) -> datetime:
    """Read a time stamp, and learn from it how the charger's clock stands."""
    stamp = moment(value, now)
    if stamp is now and isinstance(value, str):
        # By its form: a kind, and not as many as there are moments.
        form = _DIGIT.sub("9", value.strip())[:_FORM]
        peer.misread.append(f"a time ({form!r}) cannot be read, so that of its arrival stands")
    if stamp is not now:
        peer.measure_clock(stamp, now, says_now=says_now, is_live=is_live)
    return stamp


def meter_entries(peer: Peer, elements: list[dict[str, Any]], now: datetime) -> list[MeterEntry]:
    """Read ``meterValue`` or ``transactionData``; the samples stay as they were sent."""
    return [
        MeterEntry(
            at=stamped(peer, element.get("timestamp"), now, is_live=_was_asked_for(samples)),
            samples=samples,
        )
        for element in elements
        if (samples := element.get("sampledValue"))
    ]


def _was_asked_for(samples: list[dict[str, Any]]) -> bool:
    return any(sample.get("context") == _TRIGGERED for sample in samples)
