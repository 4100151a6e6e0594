"""What charge points are told: parameters, local lists, commands."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from storage.models.base import TableModel, partial_index


class Parameter(TableModel, table=True):
    """A parameter of a charge point: what is desired, and what it reports."""

    __tablename__ = "parameters"
    __table_args__ = (
        partial_index("ix_parameters_queued", "charge_point_id", where="state = 'queued'"),
    )

    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    # A key of OCPP 1.6 is the variable, and the others are "", as they are in 2.x where there is
    # none: of the component (with its own instance and EVSE), of the variable, the actual value.
    component: str = Field(
        primary_key=True, max_length=150, sa_column_kwargs={"server_default": ""}
    )
    variable: str = Field(primary_key=True, max_length=100)
    instance: str = Field(primary_key=True, max_length=50, sa_column_kwargs={"server_default": ""})
    attribute: str = Field(primary_key=True, max_length=10, sa_column_kwargs={"server_default": ""})
    desired: str = Field(max_length=500)  # as OCPP writes it: text
    reported: str | None = Field(default=None, max_length=2500)
    state: str = Field(max_length=20)
    detail: str | None = Field(default=None, max_length=500)
    chosen_at: datetime
    updated_at: datetime


class ReportedKeys(TableModel, table=True):
    """Which configuration keys a charge point has."""

    __tablename__ = "reported_keys"

    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    # {name: whether it is read-only}; never what they hold
    names: Any = Field(sa_type=JSON, nullable=False)


class LocalList(TableModel, table=True):
    """The tags that a charge point admits without us."""

    __tablename__ = "local_lists"

    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    state: str = Field(max_length=20)  # ListState
    version: int | None = None  # of the list that it has, as far as is known
    id_tags: int  # how many it has
    listed: int  # how many it should have
    detail: str | None = Field(default=None, max_length=500)
    # {name: value} of those that decide who charges offline
    keys: Any = Field(sa_type=JSON, nullable=False)
    in_use: bool  # whether drivers might charge there then
    of_change: datetime | None = None  # projects.access_changed_at that it is brought to
    generation: int  # of the connection on which it was looked at
    boot_at: datetime | None = None  # the newest boot then
    breaks: int  # how often in a row the link broke at it
    checked_at: datetime


class SentCommand(TableModel, table=True):
    """A command that must reach a charge point once, by its intent."""

    __tablename__ = "commands"
    __table_args__ = (Index(None, "sent_at"),)

    intent: str = Field(primary_key=True, max_length=100)
    charge_point_id: str = Field(max_length=40)
    operation: str = Field(max_length=40)
    sent_at: datetime
    # null: sent, and the answer is not known
    reply: str | None = Field(default=None, max_length=20)
    detail: str | None = Field(default=None, max_length=500)


class RebootSlot(TableModel, table=True):
    """When a charge point of a project restarts, so that not all do at once."""

    __tablename__ = "reboot_slots"
    __table_args__ = (Index(None, "project_id", "at"),)

    intent: str = Field(primary_key=True, max_length=100)  # that of the restart in `commands`
    project_id: str = Field(max_length=40, foreign_key="projects.id", ondelete="CASCADE")
    at: datetime
