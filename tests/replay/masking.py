"""Histories as they are committed: without the names and paths of the machine that recorded."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

IDENTITY = "dynamo"
_MASKED = {"identity": IDENTITY, "stackTrace": "", "buildId": IDENTITY, "binaryChecksum": IDENTITY}
_PATHS = re.compile(r"/(?:home|root|tmp|work|Users|var|usr)/")
_SECRETS = re.compile(r"\b[0-9a-f]{64}\b|password|://[^/\s]*@", re.IGNORECASE)


def masked(node: Any) -> Any:
    """Mask a history, as JSON."""
    if isinstance(node, dict):
        return {
            key: _MASKED[key] if key in _MASKED and isinstance(value, str) else masked(value)
            for key, value in node.items()
        }
    return [masked(item) for item in node] if isinstance(node, list) else node


def leaks(history: str, *, names: set[str]) -> list[str]:
    """Say what should not be in a history: paths, secrets, these names of a machine."""
    return [
        text[:200]
        for text in _texts(json.loads(history))
        if _PATHS.search(text) or _SECRETS.search(text) or any(name in text for name in names)
    ]


def _texts(node: Any, key: str = "") -> Iterator[str]:
    match node:
        case dict():
            for name, value in node.items():
                yield from _texts(value, name)
        case list():
            for item in node:
                yield from _texts(item)
        case str() if key == "data":
            yield base64.b64decode(node).decode(errors="replace")
        case str():
            yield node
        case _:
            return
