"""Mail that one person causes to another: whether it leaves, is gathered, or is not wanted.

What an engine tells an owner of a site of theirs (the handover, sessions that wait for a word) is
caused by nobody: it is not counted, cannot be stopped, and is few by its nature.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LENGTH: Final = 32


class Admission(StrEnum):
    """What becomes of a notice."""

    SEND = "send"
    WAIT = "wait"
    """There were many: it leaves with the next gathered mail."""
    LEFT = "left"
    """It has left before, and this is a repeat."""
    BLOCKED = "blocked"
    """Whoever reads that address wants no mail that this account causes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatheredMailOrder:
    """Input of GatheredMailWorkflow: the first of the notices that wait."""

    notice_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MailNotice:
    """A notice: ``account_id`` has caused it, ``about`` is what it is about, the same at a repeat.

    ``subject`` is that of its mail and ``detail`` names what it is about, for a gathered mail;
    ``urgent``: it stands first there.
    """

    account_id: str
    to: str
    about: str
    subject: str
    detail: str = ""
    urgent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class GatheredMail:
    """Notices that leave in one mail, the urgent first; ``ids`` are all of them."""

    account_id: str
    to: str
    ids: tuple[int, ...]
    lines: tuple[tuple[str, str], ...]
    """Subject and detail of each, of the first few hundred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """What a link in a mail stops: mail that the account causes, to one address."""

    account_id: str
    recipient: str


def recipient_key(secret: str, email: str) -> str:
    """Name an address without saying it: 32 hexadecimal digits of an HMAC."""
    return _mac(secret, f"mail-recipient:{email.lower()}")


def stop_token(secret: str, account_id: str, email: str) -> str:
    """Make what the link of a mail ends with; it says nothing of the address, and never expires."""
    recipient = recipient_key(secret, email)
    return f"{account_id}.{recipient}.{_mac(secret, f'mail-stop:{account_id}:{recipient}')}"


def read_stop_token(secret: str, token: str) -> Stop | None:
    """What the link stops; None: it is not one of ours."""
    account_id, _, rest = token.partition(".")
    recipient, _, signed = rest.partition(".")
    right = _mac(secret, f"mail-stop:{account_id}:{recipient}")
    if not hmac.compare_digest(signed.encode(), right.encode()):
        return None
    return Stop(account_id=account_id, recipient=recipient)


def _mac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()[:_LENGTH]
