"""What is kept of frames: entries of a run's detailed log, and notes of what was odd about them.

Secrets are masked, and the length is capped. Of odd messages, in a run all are noted, else each
kind once a link.
"""

import re
from datetime import UTC, datetime
from typing import Final

from domain.rules.oddities import MORE
from domain.states import LogLevel
from ocpp_server.frames import MessageId
from ocpp_server.masking import masked
from ocpp_server.peer import Peer
from storage.fact_records import LogEntry, Oddity

_CAP: Final = 8_000
_ACTION_COLUMN: Final = 50
_MESSAGE_ID_COLUMN: Final = 36
_WHAT_COLUMN: Final = 200
_EXCERPT: Final = 300
_LOOKED_AT: Final = 2_000
"""Bytes; what is cut off is masked sooner than need be, and that is not to be in the excerpt."""
_MOST: Final = 50
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


def oddities(
    peer: Peer,
    action: str | None,
    whats: tuple[str, ...],
    data: bytes,
    *,
    refused: bool = False,
    astray: bool = False,
) -> list[Oddity]:
    """Make the records of what is odd about one frame; few kinds, whatever a charge point sends."""
    found: dict[str, Oddity] = {}
    excerpt: str | None = None
    for what in whats:
        kind = ((action or "")[:_ACTION_COLUMN], what[:_WHAT_COLUMN], refused)
        if kind not in peer.oddities and len(peer.oddities) >= _MOST:
            kind = ("", MORE, refused)
        is_new = kind not in peer.oddities
        peer.oddities.add(kind)
        if is_new or peer.watched_run is not None:
            if excerpt is None:
                excerpt = frame_text(data, _LOOKED_AT)[:_EXCERPT]
            found[kind[1]] = Oddity(
                charge_point_id=peer.charge_point_id,
                commissioning_id=peer.watched_run,
                at=datetime.now(UTC),
                action=kind[0],
                what=kind[1],
                refused=refused,
                excerpt=excerpt,
                astray=astray and kind[1] != MORE,
            )
    return list(found.values())
