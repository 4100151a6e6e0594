"""Commissioning: runs, and the batches that start them."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from domain.batch import BatchRequest
from domain.checks import RunView, Waiting
from domain.commissioning import CancelRequest, RunRequest
from domain.states import BatchStatus, MemberState, RunStatus
from storage.models.base import Document, TableModel, part_of, partial_index, words


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
    status: RunStatus = Field(sa_type=words(RunStatus, 20))
    request: RunRequest = Field(sa_type=Document(RunRequest))
    started_at: datetime
    completed_at: datetime | None = None
    # accepted for this charge point while this run is open
    id_tag: str | None = Field(default=None, max_length=20)
    # null: there is no verdict yet
    view: RunView | None = Field(default=None, sa_type=Document(RunView))
    failed_check: str | None = Field(default=None, max_length=40)
    notified: bool = Field(sa_column_kwargs={"server_default": text("false")})
    # While it is open and waits for somebody, so that lists need not ask each workflow.
    waiting_for: str | None = Field(default=None, max_length=20)
    waiting: Waiting | None = Field(default=None, sa_type=Document(Waiting))
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
    project_id: str = part_of("projects")
    status: BatchStatus = Field(sa_type=words(BatchStatus, 20))
    request: BatchRequest = Field(sa_type=Document(BatchRequest))
    started_at: datetime
    completed_at: datetime | None = None
    cancel: CancelRequest | None = Field(default=None, sa_type=Document(CancelRequest))

    @property
    def shown_status(self) -> BatchStatus:
        """As a caller sees it."""
        is_starting = self.status is BatchStatus.STARTING
        return BatchStatus.IN_PROGRESS if is_starting else self.status


class BatchMember(TableModel, table=True):
    """A charge point of a batch."""

    __tablename__ = "batch_members"
    __table_args__ = (Index(None, "charge_point_id"),)

    batch_id: str = part_of("batches", primary_key=True)
    charge_point_id: str = part_of("charge_points", primary_key=True)
    state: MemberState = Field(sa_type=words(MemberState, 20))
    # the run that the batch started or found open
    commissioning_id: str | None = Field(default=None, max_length=40)
    cancel_sent: bool = Field(sa_column_kwargs={"server_default": text("false")})
