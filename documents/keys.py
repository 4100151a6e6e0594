"""Ed25519 keys of certificates: read, name, publish (RFC 8032, RFC 8037)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

KEY_ID_LENGTH: Final = 16
_SEED_BYTES: Final = 32


class KeyFileError(Exception):
    """What was given holds no Ed25519 public key that can be read."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, 32 bytes."""

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, hex; it is printed on certificates."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def id(self) -> str:
        """The first 16 digits of the fingerprint; names the key in a signature."""
        return self.fingerprint[:KEY_ID_LENGTH]

    @property
    def hex(self) -> str:
        """The key itself, hex."""
        return self.raw.hex()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this key made that signature of that message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> str:
        """Write it as PEM, as other tools read it."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self) -> dict[str, str]:
        """Write it as a JSON Web Key."""
        x = base64.urlsafe_b64encode(self.raw).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.id, "x": x}


class SigningKey:
    """The engine's private key; it shows itself to nobody."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read a seed of 64 hexadecimal digits.

        Raises:
            ValueError: It is none.

        """
        seed = bytes.fromhex(text.strip())
        if len(seed) != _SEED_BYTES:
            raise ValueError("a key is 64 hexadecimal digits")
        return cls(seed)

    def sign(self, message: bytes) -> bytes:
        """Sign; the same message always has the same signature."""
        return self._key.sign(message)


def read_keys(text: str) -> list[PublicKey]:
    """Read public keys: a published set (JSON), PEM, or plain hex.

    Raises:
        KeyFileError: There is none in it.

    """
    text = text.strip()
    try:
        if text.startswith("{"):
            return _from_json(json.loads(text))
        if text.startswith("-----BEGIN"):
            return [_from_pem(block) for block in _blocks(text)]
        raw = bytes.fromhex(text)
        if len(raw) == _SEED_BYTES:
            return [PublicKey(raw)]
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        pass
    raise KeyFileError("It holds no Ed25519 public key: JSON as the engine publishes it, or PEM.")


def _from_json(document: Any) -> list[PublicKey]:
    listed: Iterable[Mapping[str, Any]] = document.get("keys", [document])
    keys = [
        PublicKey(base64.urlsafe_b64decode(key["x"] + "="))
        for key in listed
        if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
    ]
    if not keys or any(len(key.raw) != _SEED_BYTES for key in keys):
        raise ValueError
    return keys


def _blocks(text: str) -> list[str]:
    end = "-----END PUBLIC KEY-----"
    return [block.strip() + f"\n{end}\n" for block in text.split(end) if block.strip()]


def _from_pem(text: str) -> PublicKey:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError
    return PublicKey(key.public_bytes_raw())
