"""Links: nodes, the newest of each charge point, and refused attempts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from storage.models.base import NULLABLE_JSON, SERIAL, TableModel, partial_index


class Node(TableModel, table=True):
    """An OCPP server."""

    __tablename__ = "nodes"

    id: str = Field(primary_key=True, max_length=40)
    started_at: datetime
    seen_at: datetime  # a node not seen for a while holds no socket


class ChargePointConnection(TableModel, table=True):
    """The newest link of a charge point, and what is counted of it."""

    __tablename__ = "connections"
    __table_args__ = (
        partial_index(
            "ix_connections_contested", "charge_point_id", where="contest_since IS NOT NULL"
        ),
    )

    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    node_id: str = Field(max_length=40, index=True)
    generation: int
    ocpp_version: str = Field(max_length=10)
    remote_address: str | None = Field(default=None, max_length=100)
    connected_at: datetime
    disconnected_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    # the newest that was told, and when
    firmware_status: str | None = Field(default=None, max_length=50)
    firmware_status_at: datetime | None = None
    # the newest few accepted connections: [moment, remote address]
    arrivals: Any = Field(default=None, sa_type=JSON, nullable=True)
    # What it has had written on its newest day (UTC), against its daily budget.
    budget_day: date | None = None
    budget_bytes: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    budget_left_out: int = Field(sa_column_kwargs={"server_default": "0"})  # readings, entries
    budget_over_at: datetime | None = None  # since when it was used up, the last time; null: never
    adopts: int | None = None  # the generation of the socket that goes on as this one
    # While several links speak as the charge point, nothing rests on any: see domain.contests.
    contest_since: datetime | None = None
    contested_at: datetime | None = None  # when all had shown that they live; null: still asked
    contest_told_at: datetime | None = None  # when a mail told of it
    rivals: Any = Field(default=None, sa_type=NULLABLE_JSON, nullable=True)
    kept_at: datetime | None = None  # when a person last decided
    kept_address: str | None = Field(default=None, max_length=100)  # for the link from here


class ConnectionAttempt(TableModel, table=True):
    """A handshake that was refused; the same again is a count."""

    __tablename__ = "connection_attempts"
    __table_args__ = (
        Index(None, "identity", "at"),
        Index(None, "charge_point_id", "at"),  # null: those of strangers, the oldest of which go
        UniqueConstraint("identity", "digest"),
    )

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    identity: str = Field(max_length=100)
    identity_key: str = Field(max_length=100, index=True)  # trimmed, case-folded
    near_key: str = Field(max_length=100, index=True, sa_column_kwargs={"server_default": ""})
    charge_point_id: str | None = Field(default=None, max_length=40)
    at: datetime
    code: str = Field(max_length=50)
    reason: str = Field(max_length=500)
    remote_address: str | None = Field(default=None, max_length=100)
    # of one that names no charge point
    project_id: str | None = Field(default=None, max_length=40, index=True)
    # The same refusal again is a count: `at` is the newest.
    times: int = Field(sa_column_kwargs={"server_default": "1"})
    first_at: datetime | None = None  # of the first of them; null: there was one
    # the newest few before `at`, newest first
    moments: Any = Field(default=None, sa_type=JSON, nullable=True)
    # of all that makes two refusals the same one
    digest: int | None = Field(default=None, sa_type=BigInteger)
