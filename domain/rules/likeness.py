"""Which charge point may an unknown identity be meant for? Spellings, and no parts."""

import re
from typing import Final
from urllib.parse import unquote

from domain.ids import Prefix
from domain.states import IdentityMatch

_SEPARATORS: Final = re.compile(r"[-_\s]+")
_ENCODED_TWICE: Final = 2
_ULID: Final = re.compile(rf"(?:{Prefix.CHARGE_POINT})?([0-9a-hjkmnp-tv-z]{{26}})")


def serial_key(serial_number: str) -> str:
    """Form in which serial numbers are compared: trimmed, case-folded."""
    return serial_number.strip().casefold()


def near_key(text: str) -> str:
    """Form in which a serial number, or an id, and its misspellings are the same.

    Percent-encoding is undone; slashes around it, spaces, dashes and underscores are dropped, and
    so is the prefix of an id. Empty for what has nothing else: that is like nothing.
    """
    for _ in range(_ENCODED_TWICE):
        text = unquote(text)
    folded = _SEPARATORS.sub("", text.strip(" \t/")).strip("/").casefold()
    found = _ULID.fullmatch(folded)
    return found[1] if found else folded


def likeness(identity: str, *, charge_point_id: str, serial_number: str) -> IdentityMatch | None:
    """Say why the identity may be that charge point; None when nothing says so."""
    if serial_key(identity) == serial_key(serial_number):
        return IdentityMatch.SERIAL_NUMBER
    near = near_key(identity)
    if near and near == near_key(charge_point_id):
        return IdentityMatch.SIMILAR_ID
    if near and near == near_key(serial_number):
        return IdentityMatch.SIMILAR_SERIAL_NUMBER
    return None
