"""One secret, one key for each purpose, so that no use can be turned against another."""

import hashlib
import hmac

from pydantic import SecretStr

MIN_SECRET_LENGTH = 32


class SecretMissingError(Exception):
    """``DYNAMO_SECRET_KEY`` is missing or too short; the process cannot start."""


def checked_secret(secret: SecretStr | None) -> SecretStr:
    """Return the secret, or refuse one that could be guessed.

    Raises:
        SecretMissingError: There is none, or it is too short.

    """
    if secret is None or len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
        raise SecretMissingError(
            f"DYNAMO_SECRET_KEY must be set to {MIN_SECRET_LENGTH} characters or more; "
            "make one with: openssl rand -hex 32"
        )
    return secret


def derive_key(secret: SecretStr, purpose: str) -> bytes:
    """Derive the 32-byte key of a purpose."""
    return hmac.digest(secret.get_secret_value().encode(), purpose.encode(), hashlib.sha256)
