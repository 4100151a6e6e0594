"""One secret, one key for each purpose, so that no use can be turned against another."""

import hashlib
import hmac


def derive_key(secret: str, purpose: str) -> bytes:
    """Derive the 32-byte key of a purpose."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
