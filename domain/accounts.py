"""What happens to an account, and what is mailed about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from domain.states import Role

RESET_LIFETIME: Final = timedelta(hours=1)
VERIFICATION_LIFETIME: Final = timedelta(days=3)


class AccountEvent(StrEnum):
    """What an account's history tells; a word keeps its meaning."""

    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a word, no password
    PASSWORD_RESET = "password.reset"  # noqa: S105
    EMAIL_VERIFIED = "email.verified"
    TAKEN_OVER = "account.taken_over"
    SESSION_REVOKED = "session.revoked"
    SESSIONS_REVOKED = "sessions.revoked"


class LetterPurpose(StrEnum):
    """What a mail about an account is for."""

    RESET = "reset"
    VERIFICATION = "verification"
    CHANGED = "changed"
    """It tells of a new password, and has no code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLetter:
    """A mail to the owner of an account, whose code is good until ``expires_at``.

    While nobody has proven to read the address (``is_proven``), the account may be a stranger's.
    """

    purpose: LetterPurpose
    account_id: str
    is_proven: bool
    email: str
    role: Role
    asked_at: datetime
    expires_at: datetime


class Counted(StrEnum):
    """What an account has a quota of until its e-mail is verified, as a person reads it."""

    PROJECTS = "projects"
    CHARGE_POINTS = "charge points"
    PHOTOS = "photos"


QUOTAS: Final[Mapping[Literal["off", "required"], Mapping[Counted, int]]] = {
    # A first site can be looked at and tried out, and no more.
    "required": {Counted.PROJECTS: 3, Counted.CHARGE_POINTS: 10, Counted.PHOTOS: 20},
    # A firm can work for months without a mail (ADR 33).
    "off": {Counted.PROJECTS: 500, Counted.CHARGE_POINTS: 2_000, Counted.PHOTOS: 1_000},
}
"""By the setting `DYNAMO_EMAIL_VERIFICATION`: how much an account has at most until then."""
