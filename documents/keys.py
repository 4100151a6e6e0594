"""Public keys of certificates: read, name, publish (RFC 7517, RFC 7518, RFC 8037).

A certificate is signed with a P-256 key; those of older engines with an Ed25519 key. Both are kept
and published in the same way, and told apart by their length.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

KEY_ID_LENGTH: Final = 16
_ED25519_BYTES: Final = 32
_COORDINATE_BYTES: Final = 32
_POINT_BYTES: Final = 1 + 2 * _COORDINATE_BYTES
_UNCOMPRESSED: Final = b"\4"


class KeyFileError(Exception):
    """What was given holds no public key of a certificate that can be read."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: the 32 bytes of an Ed25519 key, or the uncompressed point of a P-256 key."""

    raw: bytes

    @classmethod
    def of(cls, key: object) -> Self:
        """Take it from a key as `cryptography` has it.

        Raises:
            TypeError: It is neither on P-256 nor an Ed25519 key.

        """
        if isinstance(key, Ed25519PublicKey):
            return cls(key.public_bytes_raw())
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            return cls(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        raise TypeError("it is neither a P-256 nor an Ed25519 key")

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read one as :attr:`hex` writes it.

        Raises:
            ValueError: It is none.

        """
        key = cls(bytes.fromhex(text))
        key._loaded()
        return key

    @property
    def fingerprint(self) -> str:
        """SHA-256, hex, as it is printed on certificates.

        Of a P-256 key it is that of its SubjectPublicKeyInfo (DER), as other tools show it; of an
        Ed25519 key that of its 32 bytes.
        """
        named = self.raw if self._is_ed25519 else self._spki()
        return hashlib.sha256(named).hexdigest()

    @property
    def id(self) -> str:
        """The first 16 digits of the fingerprint; names the key."""
        return self.fingerprint[:KEY_ID_LENGTH]

    @property
    def hex(self) -> str:
        """The key itself, hex."""
        return self.raw.hex()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this key made that signature of that message (Ed25519, or ECDSA-SHA-256)."""
        key = self._loaded()
        try:
            if isinstance(key, Ed25519PublicKey):
                key.verify(signature, message)
            else:
                key.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def pem(self) -> str:
        """Write it as PEM, as other tools read it."""
        return self._loaded().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self) -> dict[str, str]:
        """Write it as a JSON Web Key."""
        if self._is_ed25519:
            kind = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(self.raw)}
        else:
            x, y = self.raw[1 : 1 + _COORDINATE_BYTES], self.raw[1 + _COORDINATE_BYTES :]
            kind = {"kty": "EC", "crv": "P-256", "x": _base64url(x), "y": _base64url(y)}
        return kind | {"use": "sig", "kid": self.id}

    @property
    def _is_ed25519(self) -> bool:
        return len(self.raw) == _ED25519_BYTES

    def _loaded(self) -> Ed25519PublicKey | EllipticCurvePublicKey:
        if self._is_ed25519:
            return Ed25519PublicKey.from_public_bytes(self.raw)
        if len(self.raw) != _POINT_BYTES:
            raise ValueError("it is neither an Ed25519 key nor a point of P-256")
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.raw)

    def _spki(self) -> bytes:
        return self._loaded().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def seed_from_hex(text: str) -> bytes:
    """Read a seed of 64 hexadecimal digits.

    Raises:
        ValueError: It is none.

    """
    seed = bytes.fromhex(text.strip())
    if len(seed) != _ED25519_BYTES:
        raise ValueError("a key is 64 hexadecimal digits")
    return seed


def trailer_key(seed: bytes) -> PublicKey:
    """Return the public Ed25519 key with which older engines signed under that seed."""
    return PublicKey.of(Ed25519PrivateKey.from_private_bytes(seed).public_key())


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
        return [PublicKey.from_hex(text)]
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        pass
    raise KeyFileError("It holds no public key of an engine: JSON as it publishes it, or PEM.")


def _from_json(document: Any) -> list[PublicKey]:
    listed: Iterable[Mapping[str, Any]] = document.get("keys", [document])
    keys = [
        key
        for key in map(_from_jwk, listed)
        if key is not None  # of another kind: of an engine that is newer than this program
    ]
    if not keys:
        raise ValueError
    return keys


def _from_jwk(jwk: Mapping[str, Any]) -> PublicKey | None:
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            raw = _bytes(jwk["x"])
        case "EC", "P-256":
            raw = _UNCOMPRESSED + _bytes(jwk["x"]) + _bytes(jwk["y"])
        case _:
            return None
    return PublicKey.from_hex(raw.hex())


def _bytes(text: str) -> bytes:
    found = base64.urlsafe_b64decode(text + "=")
    if len(found) != _COORDINATE_BYTES:
        raise ValueError
    return found


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _blocks(text: str) -> list[str]:
    end = "-----END PUBLIC KEY-----"
    return [block.strip() + f"\n{end}\n" for block in text.split(end) if block.strip()]


def _from_pem(text: str) -> PublicKey:
    return PublicKey.of(load_pem_public_key(text.encode()))
