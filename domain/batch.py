"""Contracts of the commissioning of a whole project: a batch of runs under a limit."""

from dataclasses import dataclass
from datetime import datetime

from domain.checks import Waiting
from domain.commissioning import CancelRequest, RunOptions, RunToStart

DEFAULT_PARALLEL = 10
MAX_PARALLEL = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRequest:
    """What the installer asked for; each run of the batch has these options."""

    batch_id: str
    project_id: str
    installer_id: str
    started_by: str
    started_at: datetime
    options: RunOptions
    max_parallel: int = DEFAULT_PARALLEL
    from_scratch: bool = False
    """False: what is commissioned is kept, and so are passed checks of a failed run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOwner:
    """Input of ProjectCommissioningWorkflow, which serves whatever batch of the project is open."""

    project_id: str
    installer_id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchCounts:
    """How many charge points of a batch stand where. Each is in one place, and in ``total``."""

    total: int = 0
    queued: int = 0
    """Its run has not been started."""
    in_progress: int = 0
    """Its run is open and does not wait for a person; these are held to the limit."""
    waiting: int = 0
    """Its run is open and waits for a connection or for a person."""
    passed: int = 0
    failed: int = 0
    cancelled: int = 0
    kept: int = 0
    """It was commissioned already."""

    @property
    def open(self) -> int:
        """Charge points without an end yet."""
        return self.queued + self.in_progress + self.waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchProgress:
    """How a batch stands after a step. ``more``: the next step need not wait for anything."""

    done: bool
    counts: BatchCounts
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchStep:
    """What a step has decided and committed, and has to be told to Temporal."""

    progress: BatchProgress
    batch_id: str = ""
    start: tuple[RunToStart, ...] = ()
    cancel: tuple[str, ...] = ()
    """Charge points whose open runs are to be cancelled."""
    cancel_request: CancelRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitNote:
    """What a run waits for, for its row; None when it goes on.

    ``number`` counts the notes of a run, for they may arrive in another order.
    """

    commissioning_id: str
    charge_point_id: str
    number: int
    waiting: Waiting | None
