"""Codes in mails, secrets of webhooks: derived, never stored."""

import base64
import hashlib
import hmac


def invitation_token(secret: str, invitation_id: str) -> str:
    """Derive an invitation's 256-bit token, hex.

    It is derived from the engine's secret, so that a mail sent twice after a crash carries the
    same link, and that no store ever holds it.
    """
    message = f"invitation:{invitation_id}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def letter_token(secret: str, letter_id: str) -> str:
    """Derive the 256-bit code in a mail about an account, hex; as that of an invitation."""
    message = f"account-letter:{letter_id}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def webhook_secret(secret: str, webhook_id: str, version: int) -> str:
    """Derive the signing secret of a webhook, ``whsec_`` and 32 bytes in Base64.

    Another version is another secret: that is its rotation.
    """
    message = f"webhook:{webhook_id}:{version}".encode()
    key = hmac.digest(secret.encode(), message, hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


def hash_token(token: str) -> str:
    """Hash a token for storage: SHA-256, hex. It is random, so a fast hash is safe."""
    return hashlib.sha256(token.encode()).hexdigest()
