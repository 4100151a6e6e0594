"""The signature under a certificate: a few lines of comment after the end of the PDF.

A PDF ends with ``%%EOF``; readers pass over comments behind it. The signature covers every byte
before the comment, so any change is seen, and whatever keeps the bytes keeps the signature: mail,
download, copying. Printing it, or saving it anew with another program, does not.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from documents.keys import PublicKey, SigningKey

_DOMAIN: Final = b"dynamo-certificate-signature-1\n"
_MARKER: Final = b"%DYNAMO-CERTIFICATE-SIGNATURE 1"
_TRAILER: Final = re.compile(
    _MARKER + rb"\n"
    rb"%key ([0-9a-f]{16})\n"
    rb"%ed25519 ([A-Za-z0-9+/]{86}==)\n"
    rb"%%EOF\n\Z"
)
_TRAILER_LENGTH: Final = 32 + 22 + 98 + 6
_LOOK_BACK: Final = 1024
"""Readers look for the end of a PDF within so many bytes of the end of the file."""


class Validity(Enum):
    """What a look at a file found."""

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN_KEY = "unknown_key"
    UNSIGNED = "unsigned"
    CUT_SHORT = "cut_short"
    NOT_A_PDF = "not_a_pdf"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a file; ``key_id`` is of the key that it names, where it names one."""

    validity: Validity
    key_id: str | None = None


def sign(pdf: bytes, key: SigningKey) -> bytes:
    """Append the signature to a PDF."""
    signature = base64.b64encode(key.sign(_DOMAIN + pdf))
    lines = (_MARKER, b"%key " + key.public.id.encode(), b"%ed25519 " + signature, b"%%EOF", b"")
    return pdf + b"\n".join(lines)


def verify(file: bytes, keys: Iterable[PublicKey]) -> Finding:
    """Tell whether one of these keys has signed exactly this file."""
    if not file.startswith(b"%PDF-"):
        return Finding(Validity.NOT_A_PDF)
    found = _TRAILER.search(file, max(len(file) - _TRAILER_LENGTH, 0))
    if found is None:
        return Finding(_without_signature(file))
    key_id = found[1].decode()
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        return Finding(Validity.UNKNOWN_KEY, key_id)
    signature = base64.b64decode(found[2])
    # The last digit of base64 has bits to spare; only one spelling is ours.
    genuine = base64.b64encode(signature) == found[2] and key.verifies(
        signature, _DOMAIN + file[: found.start()]
    )
    return Finding(Validity.VALID if genuine else Validity.ALTERED, key_id)


def _without_signature(file: bytes) -> Validity:
    if b"%%EOF" not in file[-_LOOK_BACK:]:
        return Validity.CUT_SHORT
    place = file.rfind(_MARKER)
    if place < 0:
        return Validity.UNSIGNED
    # Its lines were touched, something was written behind them, or their end is missing.
    return Validity.ALTERED if b"%%EOF" in file[place:] else Validity.CUT_SHORT
