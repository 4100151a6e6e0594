"""Our clock as OCPP writes it."""

from datetime import UTC, datetime


def timestamp(at: datetime | None = None) -> str:
    """Return RFC 3339 in UTC with milliseconds and ``Z``; now, when no moment is given."""
    moment = at or datetime.now(UTC)
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
