"""Prefixed ULIDs, the ids of everything (``cp_01J…``). Ids grant nothing and are no secrets."""

import re
import secrets
import time
from enum import StrEnum

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LENGTH = 26
_RANDOM_BITS = 80


class Prefix(StrEnum):
    """What an id names."""

    ACCOUNT = "usr"
    PROJECT = "prj"
    CHARGE_POINT = "cp"
    COMMISSIONING = "com"
    BATCH = "bat"
    INVITATION = "inv"
    NODE = "node"
    EVENT = "evt"
    WEBHOOK = "whk"
    DELIVERY = "dlv"
    PHOTO = "pho"
    CERTIFICATE = "cer"
    TARIFF = "trf"
    CDR = "cdr"
    HELD_RECORD = "hld"
    COMMAND = "cmd"
    SERVICE_VISIT = "sv"
    SESSION = "ses"
    LETTER = "ltr"
    WORDS = "wrd"


def new_id(prefix: Prefix) -> str:
    """Make an id: the prefix, ``_`` and a ULID (48 bits of milliseconds, 80 of randomness)."""
    return id_of(prefix, time.time_ns() // 1_000_000, secrets.randbits(_RANDOM_BITS))


def id_of(prefix: Prefix, at_ms: int, randomness: int) -> str:
    """Make the id of that moment and of 80 bits of that randomness, as replayed code must."""
    number = at_ms << _RANDOM_BITS | randomness & ((1 << _RANDOM_BITS) - 1)
    digits = [_CROCKFORD[(number >> 5 * place) & 31] for place in range(_ULID_LENGTH)]
    return f"{prefix}_{''.join(reversed(digits))}"


def is_id(prefix: Prefix, text: str) -> bool:
    """Tell whether ``text`` has the form of an id of that kind."""
    return re.fullmatch(rf"{prefix}_[0-9A-HJKMNP-TV-Z]{{{_ULID_LENGTH}}}", text) is not None
