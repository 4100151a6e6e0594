"""Charges and their meter values."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from storage.models.base import NULLABLE_JSON, SERIAL, TableModel, partial_index
from storage.samples import Samples


class Transaction(TableModel, table=True):
    """A charge, from its start to its end."""

    __tablename__ = "transactions"
    __table_args__ = (
        # A StartTransaction repeated after a lost reply is the same row. The order of the columns
        # finds what ran on an EVSE at a moment.
        UniqueConstraint("charge_point_id", "evse_id", "started_at", "id_tag", "meter_start"),
        UniqueConstraint("charge_point_id", "ocpp_id"),
        # The newest; by their ids, PostgreSQL may walk through those of all others backwards.
        Index(None, "charge_point_id", "received_at"),
        Index(None, "charge_point_id", "stopped_at"),  # null: those that run
        partial_index(
            "ix_transactions_of_runs", "commissioning_id", where="commissioning_id IS NOT NULL"
        ),
        # The reconciler walks those that run; ended ones are very many.
        partial_index("ix_transactions_open", "id", where="stopped_at IS NULL"),
        partial_index(
            "ix_transactions_contested_stops",
            "charge_point_id",
            "id",
            where="contested_stops IS NOT NULL",
        ),
        partial_index("ix_transactions_billing_due", "id", where="billing = 'due'"),
    )

    # the engine's own
    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    # what the charge point knows: of OCPP 1.6 `id` as text, in OCPP 2.x its own word
    ocpp_id: str = Field(max_length=36)
    charge_point_id: str = Field(max_length=40, foreign_key="charge_points.id", ondelete="CASCADE")
    evse_id: int  # one transaction at a time
    connector_id: int | None = None  # of that EVSE; null: not told
    id_tag: str = Field(max_length=40)
    # a test transaction of that run
    commissioning_id: str | None = Field(default=None, max_length=40)
    started_at: datetime  # the charger's clock
    # Wh; null: it could not be read
    meter_start: int | None = Field(default=None, sa_type=BigInteger)
    received_at: datetime
    # of OCPP 2.x: the newest sequence number, and whether it says that it began while offline
    seq_no: int | None = None
    offline: bool | None = None
    stopped_at: datetime | None = None
    meter_stop: int | None = Field(default=None, sa_type=BigInteger)
    stop_reason: str | None = Field(default=None, max_length=50)
    stop_received_at: datetime | None = None
    # ended by the engine: no stop was told
    superseded: bool = Field(sa_column_kwargs={"server_default": text("false")})
    # of the charger's clock when it told the start; null: unknown
    start_ahead_s: float | None = None
    stop_ahead_s: float | None = None
    # Something of it came while several links spoke as the charge point.
    contested: bool = Field(sa_column_kwargs={"server_default": text("false")})
    contested_stops: Any = Field(default=None, sa_type=NULLABLE_JSON, nullable=True)  # told then
    # TransactionBilling; null: nothing was billed when it ended
    billing: str | None = Field(default=None, max_length=10)


class MeterValue(TableModel, table=True):
    """A meter value: what was sampled at one moment."""

    __tablename__ = "meter_values"
    __table_args__ = (
        # A value that is repeated is one row; looking for it first would double the writing.
        Index("uq_meter_values_of_transactions", "transaction_id", "at", "digest", unique=True),
        partial_index(
            "uq_meter_values_outside_transactions",
            "charge_point_id",
            "at",
            "digest",
            unique=True,
            where="transaction_id IS NULL",
        ),
    )

    # By far the most rows: what is of one size comes first, and largest first, so that PostgreSQL
    # fills nothing up.
    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    transaction_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime  # the charger's clock
    received_at: datetime
    # of all that makes two values of one moment the same one
    digest: int | None = Field(default=None, sa_type=BigInteger)
    evse_id: int  # 0: of the whole charge point
    # The transaction is the one that ran then: the message named none (that is its own).
    inferred: bool = Field(sa_column_kwargs={"server_default": text("false")})
    charge_point_id: str = Field(max_length=40)
    samples: Any = Field(sa_type=Samples, nullable=False)  # sampledValue of OCPP 1.6 §7.43
