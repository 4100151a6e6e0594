"""Frames as entries of a run's detailed log: secrets masked, length capped."""

import re
from datetime import UTC, datetime
from typing import Final

from domain.states import LogLevel
from ocpp_server.frames import MessageId
from ocpp_server.masking import masked
from ocpp_server.peer import Peer
from storage.fact_records import LogEntry

_CAP: Final = 8_000
_ACTION_COLUMN: Final = 50
_MESSAGE_ID_COLUMN: Final = 36
_OF_ITS_OWN: Final = re.compile(
    r'(?<=^\[[23],)\s*(?:"[^"]*"|-?\d+)|"(?:timestamp|currentTime)"\s*:\s*"[^"]*"'
)
"""What differs in a frame that says the same again: its id, and times."""
_HINTS: Final = (b"key", b"pass", b"secret", b"://", b":\\/", b"\\u", b"\0")
"""Without any of these, in lower case, there is nothing to mask."""


def frame_entry(
    peer: Peer,
    direction: str,
    action: str | None,
    message_id: MessageId | None,
    data: bytes,
    *,
    repeated: bool,
) -> LogEntry:
    """Make the entry of a frame; ``direction`` is ``in`` (from the charge point) or ``out``.

    ``repeated``: the same again is a count, and no entry of its own.
    """
    text = frame_text(data)
    return LogEntry(
        charge_point_id=peer.charge_point_id,
        commissioning_id=peer.watched_run,
        at=datetime.now(UTC),
        level=LogLevel.DEBUG,
        kind="frame",
        direction=direction,
        action=action and action[:_ACTION_COLUMN],
        message_id=None if message_id is None else str(message_id)[:_MESSAGE_ID_COLUMN],
        text=text,
        same=_OF_ITS_OWN.sub("", text) if repeated else None,
    )


def frame_text(data: bytes, at_most: int = _CAP) -> str:
    """Return a frame as text that is fit to be kept and shown; of a long one, its beginning.

    No more than that is looked at, so that a frame costs the same however long it is.
    """
    text = data[:at_most].decode(errors="replace").replace("\0", "\ufffd")
    lowered = data.lower()
    if any(hint in lowered for hint in _HINTS):
        text = masked(text)[:at_most]
    return text if len(data) <= at_most else f"{text}… ({len(data)} bytes)"
