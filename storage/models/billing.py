"""Billing: tariffs, records, and what is held."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from domain.billing.cdr import Cdr
from domain.billing.held import Decision, HeldDocument, HoldCause, HoldState
from domain.states import Role
from storage.models.base import SERIAL, Document, TableModel, partial_index, words


class Tariff(TableModel, table=True):
    """What charging costs at a site from a moment on."""

    __tablename__ = "tariffs"
    __table_args__ = (Index(None, "project_id", "valid_from", "id"),)

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    valid_from: datetime
    currency: str = Field(max_length=3)  # the same in all tariffs of a project
    elements: Any = Field(sa_type=JSON, nullable=False)  # TariffElement of OCPI 2.2.1
    set_by: str = Field(max_length=40, foreign_key="accounts.id")
    set_as: Role = Field(sa_type=words(Role, 20))
    created_at: datetime


class BillingAccount(TableModel, table=True):
    """A site whose charges are billed."""

    __tablename__ = "billing_accounts"

    project_id: str = Field(primary_key=True, max_length=40, foreign_key="projects.id")
    active_since: datetime


class BillingPause(TableModel, table=True):
    """A time in which nothing is billed."""

    __tablename__ = "billing_pauses"
    __table_args__ = (
        partial_index(
            "uq_billing_pauses_one_open", "project_id", unique=True, where="resumed_at IS NULL"
        ),
        Index(None, "project_id", "paused_at"),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    project_id: str = Field(max_length=40, foreign_key="billing_accounts.project_id")
    paused_at: datetime
    resumed_at: datetime | None = None
    paused_by: str = Field(max_length=40, foreign_key="accounts.id")


class BillingIssuer(TableModel, table=True):
    """In whose name statements are; the newest counts, an old one for the months of its time."""

    __tablename__ = "billing_issuers"
    __table_args__ = (Index(None, "project_id", "valid_from", "id"),)

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    valid_from: datetime
    name: str = Field(max_length=200)
    address: str | None = Field(default=None, max_length=500)
    vat_number: str | None = Field(default=None, max_length=20)


class ChargeDetailRecord(TableModel, table=True):
    """Rows are inserted and never updated."""

    __tablename__ = "cdrs"
    __table_args__ = (
        # One record a transaction, and one credit a record, whoever computes it how often.
        UniqueConstraint("transaction_id", "revision", "credit"),
        Index(None, "project_id", "month", "issued_at", "id"),
        Index(None, "project_id", "issued_at", "id"),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    charge_point_id: str = Field(max_length=40)  # outlives the charge point
    transaction_id: int = Field(sa_type=BigInteger)
    revision: int  # 1, and one more after each correction
    credit: bool  # takes back the record of the same revision
    issued_at: datetime
    month: str = Field(max_length=7)  # of issued_at at the site; whose statement has it
    document: Cdr = Field(sa_type=Document(Cdr))


class HeldRecord(TableModel, table=True):
    """What cannot be billed without the owner's word.

    One row a transaction, held again or not.

    """

    __tablename__ = "held_records"
    __table_args__ = (
        Index(None, "project_id", "id"),
        partial_index(
            "ix_held_records_to_mail", "project_id", where="mailed_at IS NULL AND state = 'held'"
        ),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    charge_point_id: str = Field(max_length=40)  # outlives the charge point
    transaction_id: int = Field(sa_type=BigInteger, unique=True)
    cause: HoldCause = Field(sa_type=words(HoldCause, 30))
    state: HoldState = Field(sa_type=words(HoldState, 10))
    held_at: datetime
    stop_received_at: datetime  # of the stop that it was judged by
    document: HeldDocument = Field(sa_type=Document(HeldDocument))
    # the owner's, of a released one
    decision: Decision | None = Field(default=None, sa_type=Document(Decision))
    decided_at: datetime | None = None  # it is not held since then
    # an e-mail; null: nobody, its end came after all
    decided_by: str | None = Field(default=None, max_length=320)
    mailed_at: datetime | None = None  # the owner has been told
