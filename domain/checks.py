"""The record of a commissioning run: checks, their steps, evidence and failures."""

from dataclasses import dataclass, field
from datetime import datetime

from domain import states
from domain.connection_attempts import ClaimCall
from domain.places import evse_of

Scalar = str | int | float | bool | None
Evidence = dict[str, Scalar | list[Scalar]]
ConnectorsToTest = states.ConnectorChoice | tuple[int, ...]
"""Which connectors get a test charge: a word, or their numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a check failed: a stable code, one sentence of cause, one of action."""

    code: str
    cause: str
    action: str
    claim: ClaimCall | None = None
    """The call that lets it in, where it tries another name than its id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing looked at or done inside a check; ``connector_id``: in the test of that one."""

    name: str
    result: states.CheckResult
    at: datetime
    detail: str
    evidence: Evidence = field(default_factory=dict)
    connector_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorTest:
    """How the test charge on one connector went, or by whose decision there was none.

    ``evidence`` is its arithmetic, with the ``transaction_id``. ``decided_by`` names the person who
    skipped it; a skip without one is the engine's. ``kept_from`` names the run that tested it.
    """

    connector_id: int
    result: states.CheckResult = states.CheckResult.PENDING
    evidence: Evidence = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    needs_review: bool = False
    failure: Failure | None = None
    skip_reason: str | None = None
    decided_by: str | None = None
    kept_from: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def evse_id(self) -> int:
        """Number of its EVSE; OCPP 1.6: its own."""
        return evse_of(self.connector_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRecord:
    """One check of a run. ``needs_review`` marks a pass that a person should look at.

    ``kept_from`` names the run whose evidence this is, when a retry had no reason to repeat it.
    """

    name: states.CheckName
    result: states.CheckResult = states.CheckResult.PENDING
    steps: tuple[Step, ...] = ()
    evidence: Evidence = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    needs_review: bool = False
    failure: Failure | None = None
    skip_reason: str | None = None
    kept_from: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    connectors: tuple[ConnectorTest, ...] = ()
    """Of the test charge: every connector of the charge point, by number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What an open run waits for, since and until when, and the likely cause in words.

    ``connector_id``: in the test of that connector; an answer is about it alone.
    """

    waiting_for: states.WaitingFor
    since: datetime
    until: datetime
    prompt: str
    likely_cause: str | None = None
    claim: ClaimCall | None = None
    """The call that lets it in, where it tries another name than its id."""
    answers: tuple[states.InstallerAnswer, ...] = ()
    """What a person may answer; empty when nothing is asked."""
    connector_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """A run as anyone sees it; the same shape from an open run's query and a finished run's row."""

    commissioning_id: str
    charge_point_id: str
    status: states.RunStatus
    checks: tuple[CheckRecord, ...]
    started_at: datetime
    completed_at: datetime | None = None
    failure: Failure | None = None
    waiting: Waiting | None = None
    previous_commissioning_id: str | None = None
    run_test_transaction: bool = True
    test_connectors: ConnectorsToTest = states.ConnectorChoice.ALL
    started_by: str = ""
    cancelled_by: str | None = None
    cancel_reason: str | None = None
    alarms: tuple[str, ...] = ()
    cleaning_up: bool = False
    """The checks have ended; the charge point is being left as it was found."""
