"""Accounts: who signs in, where, and what is counted against them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from domain.accounts import AccountEvent, LetterPurpose
from domain.states import Role
from storage.models.base import SERIAL, TableModel, partial_index, words


class Account(TableModel, table=True):
    """An installer or an owner who signs in."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("role", "email"),)

    id: str = Field(primary_key=True, max_length=40)
    role: Role = Field(sa_type=words(Role, 20))
    email: str = Field(max_length=320)  # lower-cased
    name: str = Field(max_length=200)
    company: str | None = Field(default=None, max_length=200)
    password_hash: str = Field(max_length=200)
    # a token of an older epoch is refused: a password change revokes all of them
    token_epoch: int = Field(sa_column_kwargs={"server_default": "0"})
    created_at: datetime
    verified_at: datetime | None = None  # somebody has shown to read its mail; null: nobody has
    deleted_at: datetime | None = Field(default=None, index=True)  # nobody is behind it since then


class AccountSession(TableModel, table=True):
    """One login, as a person recognises it; without its row a token is good, too."""

    __tablename__ = "account_sessions"
    __table_args__ = (Index(None, "account_id", "id"),)

    id: str = Field(primary_key=True, max_length=40)  # the id in its token
    account_id: str = Field(max_length=40, foreign_key="accounts.id")
    created_at: datetime
    expires_at: datetime = Field(index=True)
    address: str = Field(max_length=100)
    user_agent: str | None = Field(default=None, max_length=200)


class AccountEventRow(TableModel, table=True):
    """What happened to an account's credentials."""

    __tablename__ = "account_events"
    __table_args__ = (Index(None, "account_id", "id"),)

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    account_id: str = Field(max_length=40, foreign_key="accounts.id")
    at: datetime
    event: AccountEvent = Field(sa_type=words(AccountEvent, 40))
    token_epoch: int  # of the account, after it
    address: str | None = Field(default=None, max_length=100)  # null: the engine


class AccountLetter(TableModel, table=True):
    """A mail with a link that proves an address: it is asked for, dispatched, mailed, used."""

    __tablename__ = "account_letters"
    __table_args__ = (
        Index(None, "role", "email"),
        partial_index("ix_account_letters_to_dispatch", "id", where="dispatched_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=40)
    purpose: LetterPurpose = Field(sa_type=words(LetterPurpose, 20))
    role: Role = Field(sa_type=words(Role, 20))
    email: str = Field(max_length=320)  # lower-cased; it may be nobody's
    token_hash: str = Field(max_length=64, unique=True)
    asked_at: datetime
    expires_at: datetime = Field(index=True)
    dispatched_at: datetime | None = None
    mailed_at: datetime | None = None
    used_at: datetime | None = None


class RevokedToken(TableModel, table=True):
    """A token that was logged out before its end."""

    __tablename__ = "revoked_tokens"

    token_id: str = Field(primary_key=True, max_length=40)
    expires_at: datetime = Field(index=True)


class ThrottleWindow(TableModel, table=True):
    """Tries within one window of time."""

    __tablename__ = "throttles"

    key: str = Field(primary_key=True, max_length=100)  # an HMAC, no address and no e-mail in clear
    count: int
    window_ends_at: datetime = Field(index=True)


class KeptAnswer(TableModel, table=True):
    """The answer to a request with an `Idempotency-Key`, for its repeats."""

    __tablename__ = "kept_answers"
    __table_args__ = (Index(None, "account_id", "first_at"),)

    # an HMAC of account, route and Idempotency-Key
    key: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(max_length=40, foreign_key="accounts.id")
    fingerprint: str = Field(max_length=64)  # an HMAC: a body may hold what is secret
    claim: str | None = Field(default=None, max_length=32)
    claimed_until: datetime | None = None
    first_at: datetime
    done_at: datetime | None = None
    reference: str | None = Field(default=None, max_length=40)
    status: int | None = None
    headers: Any = Field(default=None, sa_type=JSON, nullable=True)
    body: bytes | None = None
    expires_at: datetime = Field(index=True)


class KeyFingerprint(TableModel, table=True):
    """Of a key that every process must have, so that two with different ones are noticed."""

    __tablename__ = "key_fingerprints"

    setting: str = Field(primary_key=True, max_length=40)
    fingerprint: str = Field(max_length=16)  # hex; says nothing of the key
    since: datetime
