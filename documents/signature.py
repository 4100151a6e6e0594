"""Verifies the signature of a certificate: PAdES, or the trailer of an older engine.

Either covers the whole file, so any change is seen, and so is whatever was appended. What keeps
the bytes keeps the signature: mail, download, copying. Printing it, or saving it anew with another
program, does not.
"""

from collections.abc import Iterable
from typing import Final

from documents import pades, trailer
from documents.keys import PublicKey
from documents.validity import Finding, Validity

_LOOK_BACK: Final = 1024
"""Readers look for the end of a PDF within so many bytes of the end of the file."""


def verify(file: bytes, keys: Iterable[PublicKey]) -> Finding:
    """Tell whether one of these keys has signed exactly this file."""
    if not file.startswith(b"%PDF-"):
        return Finding(Validity.NOT_A_PDF)
    known = {key.id: key for key in keys}
    finding = trailer.verify(file, known) or pades.verify(file, known)
    if finding is not None:
        return finding
    _, end, behind = file[-_LOOK_BACK:].rpartition(b"%%EOF")
    if not end or b" obj\n" in behind:
        return Finding(Validity.CUT_SHORT)
    return Finding(trailer.remains(file) or Validity.UNSIGNED)
