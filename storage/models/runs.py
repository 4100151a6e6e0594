"""Commissioning: runs, and the batches that start them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from storage.models.base import TableModel, partial_index


class CommissioningRun(TableModel, table=True):
    """A commissioning run of a charge point."""

    __tablename__ = "commissioning_runs"
    __table_args__ = (
        Index(None, "charge_point_id", "id"),
        Index(None, "project_id", "id"),
        partial_index(
            "ix_commissioning_runs_completed", "charge_point_id", "id", where="status = 'completed'"
        ),
        partial_index(
            "uq_commissioning_runs_one_open",
            "charge_point_id",
            unique=True,
            where="status IN ('starting', 'in_progress')",
        ),
        # The reconciler walks the open ones; finished ones are very many.
        partial_index("ix_commissioning_runs_in_progress", "id", where="status = 'in_progress'"),
        partial_index("ix_commissioning_runs_starting", "id", where="status = 'starting'"),
    )

    id: str = Field(primary_key=True, max_length=40)
    charge_point_id: str = Field(max_length=40, foreign_key="charge_points.id")
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    status: str = Field(max_length=20)
    # RunRequest, enough to start the workflow again
    request: Any = Field(sa_type=JSON, nullable=False)
    started_at: datetime
    completed_at: datetime | None = None
    # accepted for this charge point while this run is open
    id_tag: str | None = Field(default=None, max_length=20)
    view: Any = Field(default=None, sa_type=JSON, nullable=True)  # RunView, once there is a verdict
    failed_check: str | None = Field(default=None, max_length=40)
    notified: bool = Field(sa_column_kwargs={"server_default": text("false")})
    # While it is open and waits for somebody, so that lists need not ask each workflow.
    waiting_for: str | None = Field(default=None, max_length=20)
    waiting: Any = Field(default=None, sa_type=JSON, nullable=True)
    wait_number: int = Field(sa_column_kwargs={"server_default": "0"})
    # that it is of; null: of none
    service_visit_id: str | None = Field(
        default=None, max_length=40, foreign_key="service_visits.id"
    )
    frames_gone: int = Field(sa_column_kwargs={"server_default": "0"})  # logged, and kept no more


class Batch(TableModel, table=True):
    """The commissioning of all charge points of a project."""

    __tablename__ = "batches"
    __table_args__ = (
        Index(None, "project_id", "id"),
        partial_index(
            "uq_batches_one_open",
            "project_id",
            unique=True,
            where="status IN ('starting', 'in_progress')",
        ),
        partial_index("ix_batches_open", "id", where="status IN ('starting', 'in_progress')"),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id", ondelete="CASCADE")
    status: str = Field(max_length=20)
    request: Any = Field(sa_type=JSON, nullable=False)  # BatchRequest
    started_at: datetime
    completed_at: datetime | None = None
    # CancelRequest, once somebody cancels it
    cancel: Any = Field(default=None, sa_type=JSON, nullable=True)


class BatchMember(TableModel, table=True):
    """A charge point of a batch."""

    __tablename__ = "batch_members"
    __table_args__ = (Index(None, "charge_point_id"),)

    batch_id: str = Field(
        primary_key=True, max_length=40, foreign_key="batches.id", ondelete="CASCADE"
    )
    charge_point_id: str = Field(
        primary_key=True, max_length=40, foreign_key="charge_points.id", ondelete="CASCADE"
    )
    state: str = Field(max_length=20)
    # the run that the batch started or found open
    commissioning_id: str | None = Field(default=None, max_length=40)
    cancel_sent: bool = Field(sa_column_kwargs={"server_default": text("false")})
