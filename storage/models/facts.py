"""What charge points told: boots, statuses, oddities."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from storage.models.base import SERIAL, TableModel, partial_index


class Boot(TableModel, table=True):
    """A boot of a charge point; the same again on one day is a count."""

    __tablename__ = "boots"
    __table_args__ = (
        Index(None, "charge_point_id", "at"),
        partial_index(
            "ix_boots_contested", "charge_point_id", "at", where="contested_link IS NOT NULL"
        ),
        UniqueConstraint("charge_point_id", "digest"),
    )

    id: str = Field(primary_key=True, max_length=40)
    charge_point_id: str = Field(max_length=40, foreign_key="charge_points.id", ondelete="CASCADE")
    at: datetime
    vendor: str = Field(max_length=100)
    model: str = Field(max_length=100)
    charge_point_serial: str | None = Field(default=None, max_length=100)
    charge_box_serial: str | None = Field(default=None, max_length=100)
    firmware_version: str | None = Field(default=None, max_length=100)
    registration: str = Field(max_length=20)
    warnings: Any = Field(sa_type=JSON, nullable=False)
    payload: Any = Field(sa_type=JSON, nullable=False)
    # The same boot again on one day is a count: `id` and `at` are those of the newest.
    times: int = Field(sa_column_kwargs={"server_default": "1"})
    first_at: datetime | None = None  # of the first of them; null: there was one
    # of the day, and of all that was said and answered
    digest: int | None = Field(default=None, sa_type=BigInteger)
    contested_link: int | None = None  # it came on this link while others spoke, too


class Connector(TableModel, table=True):
    """The newest status of a connector."""

    __tablename__ = "connectors"

    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    # domain.places: connector n of OCPP 1.6 is (n, 1), the charge point itself (0, 0)
    evse_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    connector_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    # ConnectorStatus and ConnectorError, as all versions have them; null: what it said is none
    status: str | None = Field(default=None, max_length=30)
    error_code: str | None = Field(default=None, max_length=50)
    # the charge point's own words
    raw_status: str = Field(max_length=30)
    raw_error_code: str = Field(max_length=50)
    vendor_error_code: str | None = Field(default=None, max_length=100)
    info: str | None = Field(default=None, max_length=200)
    at: datetime
    contested_link: int | None = None  # as of a boot


class Suspension(TableModel, table=True):
    """A time in which a vehicle or a charge point suspended its charge."""

    __tablename__ = "suspensions"
    __table_args__ = (
        Index(None, "charge_point_id", "evse_id", "since"),
        partial_index(
            "uq_suspensions_one_open",
            "charge_point_id",
            "evse_id",
            unique=True,
            where="until IS NULL",
        ),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    charge_point_id: str = Field(max_length=40, foreign_key="charge_points.id", ondelete="CASCADE")
    evse_id: int
    since: datetime  # the charger's clock
    until: datetime | None = None


class Irregularity(TableModel, table=True):
    """Messages of charge points that had to be read past something, or could not be read."""

    __tablename__ = "irregularities"
    __table_args__ = (
        UniqueConstraint("charge_point_id", "commissioning_id", "action", "what", "refused"),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    charge_point_id: str = Field(max_length=40, foreign_key="charge_points.id", ondelete="CASCADE")
    commissioning_id: str = Field(max_length=40)  # "": outside of a run
    action: str = Field(max_length=50)  # "": it could not be told
    what: str = Field(max_length=200)
    refused: bool
    # it was of nothing that is known here
    astray: bool = Field(sa_column_kwargs={"server_default": text("false")})
    times: int
    first_at: datetime
    last_at: datetime
    excerpt: str = Field(sa_type=Text)  # of the first such frame, secrets masked


class LogEntry(TableModel, table=True):
    """A frame, a step or a verdict, as the log of a charge point shows it."""

    __tablename__ = "log_entries"
    __table_args__ = (
        Index(None, "charge_point_id", "at", "id"),
        Index(None, "commissioning_id", "at", "id"),
        # The newest stay of each charge point.
        partial_index(
            "ix_log_entries_reports", "charge_point_id", "at", "id", where="kind = 'report'"
        ),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    charge_point_id: str = Field(max_length=40)
    commissioning_id: str | None = Field(default=None, max_length=40)
    at: datetime
    level: str = Field(max_length=10)
    kind: str = Field(max_length=20)  # frame, step, verdict, connection
    # of a frame: in (from the charge point), out
    direction: str | None = Field(default=None, max_length=3)
    action: str | None = Field(default=None, max_length=50)
    message_id: str | None = Field(default=None, max_length=36)
    text: str = Field(sa_type=Text)  # the frame as sent, secrets masked; or a sentence
    # a repeated activity writes an entry once
    entry_key: str | None = Field(default=None, max_length=100, unique=True)
    # What is repeated on one day is its first entry, and a count that stands at the newest.
    times: int = Field(sa_column_kwargs={"server_default": "1"})
    first_at: datetime | None = None  # of the first that is counted here; null: there was one


class RetentionMark(TableModel, table=True):
    """How far retention has come with each kind of rows."""

    __tablename__ = "retention_marks"

    name: str = Field(primary_key=True, max_length=20)
    position: str = Field(max_length=40)  # an id; all until there has been looked at
    at: datetime
