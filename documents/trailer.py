"""The signature of older engines: a few lines of comment after the end of the PDF.

A PDF ends with ``%%EOF``; readers pass over comments behind it. The signature, Ed25519, covers
every byte before the comment. New certificates have none (ADR 25); these stay verifiable.
"""

import base64
import re
from collections.abc import Mapping
from typing import Final

from documents.keys import PublicKey
from documents.validity import Finding, Validity

_DOMAIN: Final = b"dynamo-certificate-signature-1\n"
_MARKER: Final = b"%DYNAMO-CERTIFICATE-SIGNATURE 1"
_TRAILER: Final = re.compile(
    _MARKER + rb"\n"
    rb"%key ([0-9a-f]{16})\n"
    rb"%ed25519 ([A-Za-z0-9+/]{86}==)\n"
    rb"%%EOF\n\Z"
)
_TRAILER_LENGTH: Final = 32 + 22 + 98 + 6


def verify(file: bytes, keys: Mapping[str, PublicKey]) -> Finding | None:
    """Tell whether one of these keys, by their ids, signed it; None where it has no trailer."""
    found = _TRAILER.search(file, max(len(file) - _TRAILER_LENGTH, 0))
    if found is None:
        return None
    key_id = found[1].decode()
    key = keys.get(key_id)
    if key is None:
        return Finding(Validity.UNKNOWN_KEY, key_id)
    signature = base64.b64decode(found[2])
    # The last digit of base64 has bits to spare; only one spelling is ours.
    genuine = base64.b64encode(signature) == found[2] and key.verifies(
        signature, _DOMAIN + file[: found.start()]
    )
    return Finding(Validity.VALID if genuine else Validity.ALTERED, key_id)


def remains(file: bytes) -> Validity | None:
    """Tell what became of a trailer that is not whole at the end; None where there is none."""
    place = file.rfind(_MARKER)
    if place < 0:
        return None
    # Its lines were touched, something was written behind them, or their end is missing.
    return Validity.ALTERED if b"%%EOF" in file[place:] else Validity.CUT_SHORT
