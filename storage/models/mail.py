"""Mail to people: what they do not want, and what waits to leave."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from storage.models.base import SERIAL, TableModel, partial_index


class MailBlock(TableModel, table=True):
    """An address that wants no mail of an account.

    It is an HMAC: who stops mail need not be known.

    """

    __tablename__ = "mail_blocks"

    # whose mail is not wanted
    account_id: str = Field(primary_key=True, max_length=40, foreign_key="accounts.id")
    recipient: str = Field(primary_key=True, max_length=64)
    blocked_at: datetime
    # A way to a new password goes there once a week all the same: the last one.
    reset_letter: str | None = Field(default=None, max_length=40)
    reset_at: datetime | None = None


class MailNotice(TableModel, table=True):
    """Notices that are about to leave, or wait for the next gathered mail.

    One that has left says nothing any more, and stays for as long as its activity may be done
    again.

    """

    __tablename__ = "mail_notices"
    __table_args__ = (
        Index(None, "account_id", "recipient"),
        partial_index("ix_mail_notices_due", "account_id", "recipient", where="due_at IS NOT NULL"),
        partial_index("ix_mail_notices_old", "created_at", where="due_at IS NULL"),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    account_id: str = Field(max_length=40, foreign_key="accounts.id")  # that has caused it
    recipient: str = Field(max_length=64)
    email: str = Field(max_length=320)
    about: str = Field(max_length=100, unique=True)
    subject: str = Field(max_length=200)
    detail: str = Field(max_length=500)
    urgent: bool
    created_at: datetime
    due_at: datetime | None = None  # of the gathered mail; null: it leaves by itself, or has left
    left_at: datetime | None = None
