"""`dynamo verify`: reads a file and keys from this machine, and says what it found."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents.keys import KeyFileError, PublicKey, read_keys, seed_from_hex, trailer_key
from documents.pdf_metadata import read_metadata
from documents.signature import verify
from documents.signer import Signer, SignerFileError, read_signer
from documents.validity import Validity

KEY_FILE: Final = "certificate_key"
"""Name of the seed's file in the data directory of `dynamo up`."""
_KEY_VARIABLE: Final = "DYNAMO_CERTIFICATE_KEY"
_SIGNER_VARIABLE: Final = "DYNAMO_CERTIFICATE_SIGNER"
_VALID, _INVALID, _UNREADABLE, _UNKNOWN_KEY = range(4)
_MOST_BYTES: Final = 512 * 1024 * 1024

_WHY: Final = {
    Validity.ALTERED: "It was altered after it was signed, or its signature was. Ask for the "
    "original, or compare with the online copy behind its QR code.",
    Validity.APPENDED: "Something was appended after it was signed. Ask for the original, or "
    "compare with the online copy behind its QR code.",
    Validity.CUT_SHORT: "Its end is missing: the download or the copy is incomplete. Get it again.",
    Validity.UNSIGNED: "It is a PDF without a signature of this engine. A certificate that was "
    "printed, or saved anew by another program, loses it: get the original file.",
    Validity.NOT_A_PDF: "It is not a PDF.",
}


class NoKeyError(Exception):
    """There is no engine's key on this machine."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What to say, and the exit code: 0 valid, 1 invalid, 2 unreadable, 3 an unknown key."""

    said: str
    exit_code: int


def check(file: Path, *, keys: Sequence[Path], data_dir: Path) -> FileCheck:
    """Verify a file with the keys of these files, or with the key of the engine that is here."""
    try:
        known = [key for path in keys for key in _keys_of(path)] or local_keys(data_dir)
    except KeyFileError as error:
        return FileCheck(f"Cannot verify: {error}", _UNREADABLE)
    except NoKeyError:
        known = []  # the file is looked at all the same: it may be no certificate at all
    try:
        if file.stat().st_size > _MOST_BYTES:
            return FileCheck(f"{file}: too large to be a certificate.", _UNREADABLE)
        content = file.read_bytes()
    except OSError as error:
        return FileCheck(f"{file} cannot be read: {error.strerror}.", _UNREADABLE)
    finding = verify(content, known)
    match finding.validity:
        case Validity.VALID:
            return FileCheck(_valid(file, content, finding.key_id, known), _VALID)
        case Validity.UNKNOWN_KEY:
            return FileCheck(_unknown(file, finding.key_id, known), _UNKNOWN_KEY)
        case why:
            return FileCheck(f"NOT VALID: {file}\n{_WHY[why]}", _INVALID)


def local_signer(data_dir: Path) -> Signer:
    """Return the signer of this machine: of the environment, or of the data directory of `up`.

    Raises:
        NoKeyError: There is neither, or it is damaged.

    """
    file = os.environ.get(_SIGNER_VARIABLE)
    try:
        return read_signer(Path(file)) if file else Signer.from_seed(_local_seed(data_dir))
    except SignerFileError as error:
        raise NoKeyError(f"{_SIGNER_VARIABLE}: {error}.") from error


def local_keys(data_dir: Path) -> list[PublicKey]:
    """Return the public key that signs here, and the one that older engines signed with.

    Raises:
        NoKeyError: There is neither, or it is damaged.

    """
    signs = local_signer(data_dir).public
    try:
        return [signs, trailer_key(_local_seed(data_dir))]
    except NoKeyError:  # it signs with a key of its file alone
        return [signs]


def _local_seed(data_dir: Path) -> bytes:
    try:
        return seed_from_hex(os.environ.get(_KEY_VARIABLE) or (data_dir / KEY_FILE).read_text())
    except (OSError, ValueError) as error:
        raise NoKeyError(
            f"There is no key of an engine here: neither {_KEY_VARIABLE} nor "
            f"{data_dir / KEY_FILE} holds one."
        ) from error


def _keys_of(path: Path) -> list[PublicKey]:
    try:
        return read_keys(path.read_text())
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyFileError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} holds no public key, as JSON or PEM.") from error


def _valid(file: Path, content: bytes, key_id: str | None, keys: Sequence[PublicKey]) -> str:
    key = next(key for key in keys if key.id == key_id)
    said = read_metadata(content)
    return (
        f"VALID: {file}\n"
        + (f"{said}\n" if said else "")
        + "It is exactly as the engine signed it.\n"
        f"SHA-256  {hashlib.sha256(content).hexdigest()}\n"
        f"Key      {key.fingerprint}"
    )


def _unknown(file: Path, key_id: str | None, keys: Sequence[PublicKey]) -> str:
    known = ", ".join(key.id for key in keys)
    why = f"which is not among the keys given ({known})" if keys else "and no key is known here"
    return (
        f"UNKNOWN KEY: {file}\n"
        f"It names the key {key_id}, {why}. Get the keys from the engine that you "
        "trust, GET /api/v1/certificate-keys, and give them with --key."
    )
