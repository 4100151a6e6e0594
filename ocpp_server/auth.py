"""Who may connect: identity in the path, subprotocol, Basic auth (OCPP-J §3.1, §6)."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import unquote

from ocpp_server.protocol import Protocols

_HEX_KEY_LENGTHS: Final = range(32, 41)


class RefusalCode(StrEnum):
    """Stable codes of ``connection_attempts``, each with the status that the charge point sees."""

    status: HTTPStatus

    def __new__(cls, code: str, status: HTTPStatus) -> Self:
        """Make a member, whose value is the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        return member

    UNKNOWN_IDENTITY = "unknown_identity", HTTPStatus.NOT_FOUND
    UNSUPPORTED_SUBPROTOCOL = "unsupported_subprotocol", HTTPStatus.BAD_REQUEST
    MISSING_SUBPROTOCOL = "missing_subprotocol", HTTPStatus.BAD_REQUEST
    BAD_CREDENTIAL = "bad_credential", HTTPStatus.UNAUTHORIZED
    MISSING_CREDENTIAL = "missing_credential", HTTPStatus.UNAUTHORIZED
    WRONG_USER_NAME = "wrong_user_name", HTTPStatus.UNAUTHORIZED
    NOT_A_WEBSOCKET = "not_a_websocket", HTTPStatus.UPGRADE_REQUIRED
    WRONG_METHOD = "wrong_method", HTTPStatus.METHOD_NOT_ALLOWED
    WRONG_HTTP_VERSION = "wrong_http_version", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    BAD_HANDSHAKE = "bad_handshake", HTTPStatus.BAD_REQUEST
    TLS_ON_PLAIN_PORT = "tls_on_plain_port", HTTPStatus.BAD_REQUEST
    WITHDRAWN = "withdrawn", HTTPStatus.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection is refused, in a sentence for the installer."""

    code: RefusalCode
    reason: str


def identity_of(path: str) -> str:
    """Return the charge point id: the last segment of the path, percent-decoded."""
    return unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])


def hash_credential(secret: bytes, password: bytes) -> str:
    """Return HMAC-SHA-256 in hex. Keys are long and random, so no slow hash is needed."""
    return hmac.new(secret, password, hashlib.sha256).hexdigest()


def unknown_identity(identity: str) -> Refusal:
    """Refuse an id that no charge point has."""
    return Refusal(
        RefusalCode.UNKNOWN_IDENTITY,
        f"No charge point has the id '{identity[:60]}'. Copy the whole OCPP endpoint of the charge "
        "point into its settings, without a part added or left out.",
    )


def withdrawn(since: datetime) -> Refusal:
    """Refuse a charge point that is out of its project."""
    return Refusal(
        RefusalCode.WITHDRAWN,
        f"This charge point was withdrawn from its project on {since:%Y-%m-%d}, so it may not "
        "connect. Reinstate it if it is to be used; one that is in its place has an OCPP endpoint "
        "of its own.",
    )


def judge_subprotocol(offered: list[str], protocols: Protocols) -> Refusal | None:
    """Require the subprotocol of a version that is spoken here among those offered."""
    if any(one in protocols for one in offered):
        return None
    choose = " or ".join(f"{p.name} (subprotocol {p.subprotocol})" for p in protocols.values())
    if not offered:
        return Refusal(
            RefusalCode.MISSING_SUBPROTOCOL,
            f"The charge point did not say which OCPP version it speaks. Choose {choose} in its "
            "settings.",
        )
    return Refusal(
        RefusalCode.UNSUPPORTED_SUBPROTOCOL,
        f"The charge point offered {', '.join(offered)[:100]}. Choose {choose} in its settings.",
    )


def judge_credential(
    identity: str, authorization: str | None, *, stored_hash: str | None, secret: bytes
) -> Refusal | None:
    """Check the Basic auth header. Without a stored hash the link is accepted unauthenticated."""
    if authorization is None:
        if stored_hash is None:
            return None
        return Refusal(
            RefusalCode.MISSING_CREDENTIAL,
            "The charge point has a key here but sent none. Enter its authorization key, with its "
            "id as the user name.",
        )
    credential = _parse_basic(authorization)
    if credential is None:
        # Where no key is needed, a header that is no Basic auth claims nothing.
        return None if stored_hash is None else _bad_credential()
    user_name, password = credential
    if user_name != identity:
        return Refusal(
            RefusalCode.WRONG_USER_NAME,
            "The user name that the charge point sent is not its id. Enter the last part of its "
            "OCPP endpoint as the user name.",
        )
    if stored_hash is None or _matches(password, stored_hash, secret):
        return None
    return _bad_credential()


def _bad_credential() -> Refusal:
    return Refusal(
        RefusalCode.BAD_CREDENTIAL,
        "The authorization key that the charge point sent is not the one it was given. Enter the "
        "key again.",
    )


def _matches(password: bytes, stored_hash: str, secret: bytes) -> bool:
    """Compare in constant time; a key sent as hex text counts as the bytes that it writes."""
    matched = hmac.compare_digest(hash_credential(secret, password), stored_hash)
    if len(password) in _HEX_KEY_LENGTHS:
        try:
            decoded = binascii.unhexlify(password)
        except (binascii.Error, ValueError):
            return matched
        matched |= hmac.compare_digest(hash_credential(secret, decoded), stored_hash)
    return matched


def _parse_basic(header: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.casefold() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user_name, colon, password = decoded.partition(b":")
    return (user_name.decode(errors="replace"), password) if colon else None
