"""Frames as entries of a run's detailed log: secrets masked, length capped."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from domain.choices import SECRET_WORDS
from domain.states import LogLevel
from ocpp_server.frames import MessageId
from ocpp_server.peer import Peer
from storage.fact_records import LogEntry

MASK: Final = "***"
_CAP: Final = 8_000
_ACTION_COLUMN: Final = 50
_MESSAGE_ID_COLUMN: Final = 36
_REPEATED: Final = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignedFirmwareStatusNotification",
        "StatusNotification",
    }
)
"""What a charge point that waits says for weeks. Each start, stop and command stands for itself."""
_OF_ITS_OWN: Final = re.compile(
    r'(?<=^\[[23],)\s*(?:"[^"]*"|-?\d+)|"(?:timestamp|currentTime)"\s*:\s*"[^"]*"'
)
"""What differs in a frame that says the same again: its id, and times."""
_HINTS: Final = (b"key", b"assword", b"asswd", b"assphrase", b"ecret", b"://")


def frame_entry(
    peer: Peer, direction: str, action: str | None, message_id: MessageId | None, data: bytes
) -> LogEntry:
    """Make the entry of a frame; ``direction`` is ``in`` (from the charge point) or ``out``."""
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
        same=_OF_ITS_OWN.sub("", text) if action in _REPEATED else None,
    )


def frame_text(data: bytes) -> str:
    """Return a frame as text that is fit to be kept and shown."""
    if any(hint in data for hint in _HINTS):
        with suppress(ValueError):  # not JSON: what it may carry is no field that we know
            data = orjson.dumps(_mask(orjson.loads(data)))
    text = data.decode(errors="replace").replace("\0", "\ufffd")
    return text if len(text) <= _CAP else f"{text[:_CAP]}… ({len(data)} bytes)"


def _mask(node: Any) -> Any:
    if isinstance(node, list):
        return [_mask(element) for element in node]
    if isinstance(node, dict):
        named_secret = _is_secret(node.get("key"))
        return {
            key: MASK if _is_secret(key) or (named_secret and key == "value") else _mask(element)
            for key, element in node.items()
        }
    return _mask_url(node) if isinstance(node, str) else node


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and any(word in name.casefold() for word in SECRET_WORDS)


def _mask_url(text: str) -> str:
    """Hide ``user:password@`` in a URL."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{MASK}@{host}{slash}{path}" if user and at else text
