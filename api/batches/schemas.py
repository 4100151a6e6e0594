"""Shapes of commissioning a whole project."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator

from api.commissioning.results import FailureShown
from api.commissioning.schemas import Cancel, Start, WaitingShown
from api.fields import Shown, Timestamp, example
from api.pagination import Page
from domain.batch import DEFAULT_PARALLEL, MAX_PARALLEL
from domain.states import BatchScope, BatchStatus, RunStatus, WaitingFor
from domain.wording import FieldValueError
from storage.batch_status import NeedsPerson
from storage.models.runs import Batch

_BAT = "bat_01HX6RSTUVWXYZ1234"
_PRJ = "prj_01HX4M7TABCDE12345"
_MAX_IDS = 10_000
_NEED: dict[str, Any] = {
    "charge_point_id": "cp_01HX5P2QRSTUVWXYZ0",
    "serial_number": "CP-SN-00483921",
    "place": "Bay 3, Car Park A, Riverside Business Park",
    "commissioning_id": "com_01HX6RSTUVWXYZ1234",
    "status": "in_progress",
    "since": "2026-05-01T09:36:02Z",
    "waiting_for": "vehicle",
    "waiting": {
        "since": "2026-05-01T09:36:02Z",
        "until": "2026-05-01T09:51:02Z",
        "prompt": "Plug a vehicle or a tester into connector 1.",
        "likely_cause": None,
    },
    "failure": None,
}

__all__ = ["BatchShown", "BatchStarted", "Cancel", "CancellingBatch", "Commission"]


class Commission(Start):
    """Which charge points, how many at a time, and what each run should do."""

    model_config = example(max_parallel=10, wait_for_connection="PT8H")

    max_parallel: Annotated[StrictInt, Field(ge=1, le=MAX_PARALLEL)] = Field(
        default=DEFAULT_PARALLEL,
        description="How many runs go on at a time; one that waits for a connection or a person "
        "does not count",
    )
    only: BatchScope | None = Field(
        default=None,
        description="`not_commissioned` (the default), `failed`, or `all` of the project",
    )
    charge_point_ids: Annotated[list[str], Field(min_length=1, max_length=_MAX_IDS)] | None = Field(
        default=None, description="These charge points of the project, in place of `only`"
    )
    from_scratch: StrictBool = Field(
        default=False,
        description="True: every check is repeated, also where a charge point is commissioned. "
        "False: what is commissioned is kept, and a failed run is retried as `retry` does",
    )

    @model_validator(mode="after")
    def _either_ids_or_scope(self) -> "Commission":
        if self.charge_point_ids is not None and self.only is not None:
            raise FieldValueError("give charge_point_ids or only, not both", "only")
        return self

    def scope(self) -> BatchScope:
        """Which charge points, unless they are named."""
        return self.only or BatchScope.NOT_COMMISSIONED


class BatchStarted(Shown):
    """The commissioning of a project has begun."""

    model_config = example(
        batch_id=_BAT,
        project_id=_PRJ,
        status="in_progress",
        started_at="2026-05-01T09:35:00Z",
        total=48,
        withdrawn=1,
        max_parallel=10,
    )

    batch_id: str
    project_id: str
    status: BatchStatus
    started_at: Timestamp
    total: int = Field(description="Charge points that it has")
    withdrawn: int = Field(description="Charge points of the project that were left out")
    max_parallel: int


class CancellingBatch(BaseModel):
    """The commissioning of a project is being cancelled; its status says when that is done."""

    model_config = example(batch_id=_BAT, project_id=_PRJ, status="in_progress")

    batch_id: str
    project_id: str
    status: BatchStatus


class Counts(Shown):
    """How many charge points stand where; each is counted in one place."""

    total: int
    queued: int = Field(description="The run has not been started")
    in_progress: int = Field(description="The run is open; at most `max_parallel` are started")
    waiting: int = Field(description="The run waits for a connection or for a person")
    passed: int
    failed: int
    cancelled: int
    kept: int = Field(description="Commissioned before")


class NeedsPersonShown(Shown):
    """A charge point that somebody has to look at: its run waits, or it failed."""

    model_config = example(_NEED)

    charge_point_id: str
    serial_number: str
    place: str | None
    commissioning_id: str
    status: RunStatus
    since: Timestamp = Field(description="Begin of the wait, or moment of the verdict")
    waiting_for: WaitingFor | None
    waiting: WaitingShown | None
    failure: FailureShown | None

    @classmethod
    def of(cls, it: NeedsPerson, **others: Any) -> Self:
        """Show one."""
        waiting, view = it.waiting, it.view
        ended = view.completed_at or view.started_at if view else None
        since = waiting.since if waiting else ended
        assert since is not None  # noqa: S101 - it waits or has a verdict
        return super().of(
            it,
            place=it.place or None,
            status=view.status if view else RunStatus.IN_PROGRESS,
            since=since,
            waiting_for=waiting.waiting_for if waiting else None,
            failure=view.failure if view else None,
            **others,
        )


class BatchShown(Shown):
    """The newest commissioning of a project as a whole."""

    model_config = example(
        batch_id=_BAT,
        project_id=_PRJ,
        status="in_progress",
        started_at="2026-05-01T09:35:00Z",
        started_by="installer@acme.com",
        completed_at=None,
        cancelled_by=None,
        cancel_reason=None,
        max_parallel=10,
        counts={
            "total": 48,
            "queued": 20,
            "in_progress": 10,
            "waiting": 1,
            "passed": 17,
            "failed": 0,
            "cancelled": 0,
            "kept": 0,
        },
        needs_a_person={"items": [_NEED], "next_cursor": None},
    )

    batch_id: str
    project_id: str
    status: BatchStatus
    started_at: Timestamp
    started_by: str
    completed_at: Timestamp | None
    cancelled_by: str | None
    cancel_reason: str | None
    max_parallel: int
    counts: Counts
    needs_a_person: Page[NeedsPersonShown] = Field(
        description="Those whose run waits for a connection or a person, or failed"
    )

    @classmethod
    def of(cls, it: Batch, **others: Any) -> Self:
        """Show a batch."""
        return super().of(
            it.request,
            status=it.shown_status,
            completed_at=it.completed_at,
            cancelled_by=it.cancel.by if it.cancel else None,
            cancel_reason=it.cancel.reason if it.cancel else None,
            **others,
        )
