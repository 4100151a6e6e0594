"""Shapes of a run's record, of the list of runs and of the detailed log."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from pydantic import BaseModel, Field

from api.commissioning.results import ConnectorDetail, FailureShown, TestedConnectors
from api.commissioning.schemas import WaitingShown
from api.fields import Absent, PreciseTimestamp, Shown, Timestamp, example
from domain.checks import CheckRecord, Evidence, RunView
from domain.facts import Irregularity
from domain.failures import FailureCode, failure
from domain.rules.oddities import in_words
from domain.states import CheckName, CheckResult, LogLevel, RunStatus, WaitingFor
from storage.models.runs import CommissioningRun

_COM = "com_01HX6RSTUVWXYZ1234"
_LISTED: dict[str, Any] = {
    "commissioning_id": _COM,
    "status": "failed",
    "started_at": "2026-05-01T09:35:00Z",
    "completed_at": "2026-05-01T09:35:03Z",
    "failed_check": "ocpp_handshake",
    "previous_commissioning_id": None,
    "service_visit_id": None,
}
_FAILURE = asdict(
    failure(FailureCode.SERIAL_MISMATCH, reported="CP-SN-00483921", registered="CP-SN-0048392l")
)
_RECORD: dict[str, Any] = {
    "commissioning_id": _COM,
    "charge_point_id": "cp_01HX5P2QRSTUVWXYZ0",
    "status": "failed",
    "started_at": "2026-05-01T09:35:00Z",
    "completed_at": "2026-05-01T09:35:03Z",
    "started_by": "installer@acme.com",
    "run_test_transaction": True,
    "test_connectors": "all",
    "previous_commissioning_id": None,
    "cancelled_by": None,
    "cancel_reason": None,
    "waiting_for": None,
    "waiting": None,
    "failure": _FAILURE,
    "alarms": [],
    "odd_messages": {
        "repaired": 3,
        "refused": 1,
        "astray": 0,
        "kinds": [
            {
                "action": "MeterValues",
                "refused": True,
                "astray": False,
                "count": 1,
                "said": "MeterValues could not be read: meterValue is missing or cannot be read.",
            },
            {
                "action": "BootNotification",
                "refused": False,
                "astray": False,
                "count": 3,
                "said": "BootNotification was read although imsi is null.",
            },
        ],
    },
    "checks": [
        {
            "name": "ocpp_handshake",
            "result": "failed",
            "started_at": "2026-05-01T09:35:00.214Z",
            "ended_at": "2026-05-01T09:35:02.960Z",
            "duration_s": 2.746,
            "needs_review": False,
            "skip_reason": None,
            "kept_from": None,
            "failure": _FAILURE,
            "notes": [],
            "evidence": {},
            "steps": [
                {
                    "name": "connected",
                    "result": "passed",
                    "at": "2026-05-01T09:35:00.530Z",
                    "detail": "The charge point is connected.",
                    "evidence": {"remote_address": "203.0.113.7"},
                }
            ],
        }
    ],
}
_ENTRY: dict[str, Any] = {
    "id": 4711,
    "commissioning_id": _COM,
    "at": "2026-05-01T09:35:04.050Z",
    "level": "debug",
    "kind": "frame",
    "direction": "in",
    "action": "Heartbeat",
    "message_id": "19223201",
    "text": '[2,"19223201","Heartbeat",{}]',
    "times": 12,
    "first_at": "2026-05-01T09:24:04.031Z",
}


class StepShown(Shown):
    """One thing looked at or done inside a check."""

    name: str
    result: CheckResult
    at: PreciseTimestamp
    detail: str
    evidence: Evidence
    connector_id: Absent[int] = Field(
        default=None, description="The connector whose test charge it is of"
    )


class CheckDetail(Shown):
    """One check with all that justifies its result."""

    name: CheckName
    result: CheckResult
    started_at: PreciseTimestamp | None
    ended_at: PreciseTimestamp | None
    duration_s: float | None
    needs_review: bool
    skip_reason: str | None
    kept_from: str | None = Field(description="The run whose evidence a retry has kept")
    failure: FailureShown | None
    notes: list[str]
    evidence: Evidence = Field(
        description="Of the test charge with several connectors: that of the first that failed, "
        "else of the first that passed; `connectors` has each one's"
    )
    steps: list[StepShown]
    connectors: Absent[list[ConnectorDetail]] = Field(
        default=None,
        description="Of the test charge: each connector as tested, or not tested and by whose "
        "decision",
    )

    @classmethod
    def of(cls, it: CheckRecord, **others: Any) -> Self:
        """Show a check in full."""
        began, ended = it.started_at, it.ended_at
        return super().of(
            it,
            duration_s=round((ended - began).total_seconds(), 3) if began and ended else None,
            connectors=it.connectors or None,
            **others,
        )


class OddMessage(Shown):
    """One kind of what broke the standard."""

    action: str | None = Field(description="Null where it could not be told")
    refused: bool = Field(description="Nothing could be made of the message; else it was read")
    astray: bool = Field(description="It was read, and is of nothing that is known here")
    count: int
    said: str = Field(description="What was odd, in a sentence")


class OddMessages(BaseModel):
    """Messages of the charge point in this run that broke the standard, the refused ones first."""

    repaired: int = Field(description="How often something in a message was repaired or left out")
    refused: int = Field(description="How many messages could not be read")
    astray: int = Field(
        description="How many were read and of nothing that is known here, as a StopTransaction "
        "that names a transaction of another charge point"
    )
    kinds: list[OddMessage]

    @classmethod
    def of(cls, found: Sequence[Irregularity]) -> "OddMessages":
        """Count them."""
        return cls(
            repaired=sum(one.count for one in found if not (one.refused or one.astray)),
            refused=sum(one.count for one in found if one.refused),
            astray=sum(one.count for one in found if one.astray),
            kinds=[
                OddMessage.of(
                    one,
                    action=one.action or None,
                    said=in_words(one.action, one.what, refused=one.refused, astray=one.astray),
                )
                for one in found
            ],
        )


class RunRecord(Shown):
    """The record of a run: checks with their steps, evidence and timings."""

    model_config = example(_RECORD)

    commissioning_id: str
    charge_point_id: str
    status: RunStatus
    started_at: Timestamp
    completed_at: Timestamp | None
    started_by: str
    run_test_transaction: bool
    test_connectors: TestedConnectors
    previous_commissioning_id: str | None
    cancelled_by: str | None
    cancel_reason: str | None
    waiting_for: WaitingFor | None
    waiting: WaitingShown | None
    failure: FailureShown | None
    alarms: list[str]
    odd_messages: OddMessages
    checks: list[CheckDetail]

    @classmethod
    def of_run(cls, view: RunView, irregularities: Sequence[Irregularity]) -> Self:
        """Show a run in full."""
        return cls.of(
            view,
            waiting_for=view.waiting.waiting_for if view.waiting else None,
            odd_messages=OddMessages.of(irregularities),
            checks=[CheckDetail.of(check) for check in view.checks],
        )


class RunListed(Shown):
    """A run in the list of a charge point's runs."""

    model_config = example(_LISTED)

    commissioning_id: str
    status: RunStatus
    started_at: Timestamp
    completed_at: Timestamp | None
    failed_check: CheckName | None
    previous_commissioning_id: str | None
    service_visit_id: str | None = Field(
        description="The service visit that it is of; null: it is of none"
    )

    @classmethod
    def of(cls, it: CommissioningRun, **others: Any) -> Self:
        """Show a run in a list."""
        checks = it.view.checks if it.view else ()
        return super().of(
            it.request,
            status=RunStatus.IN_PROGRESS if it.status.is_open else it.status,
            completed_at=it.view.completed_at if it.view else None,
            failed_check=next(
                (check.name for check in checks if check.result is CheckResult.FAILED), None
            ),
            service_visit_id=it.service_visit_id,
            **others,
        )


class LogEntryShown(Shown):
    """One entry of the detailed log."""

    model_config = example(_ENTRY)

    id: int
    commissioning_id: str | None
    at: PreciseTimestamp
    level: LogLevel
    kind: str = Field(description="frame, step, verdict or connection")
    direction: str | None = Field(description="Of a frame: in (from the charge point) or out")
    action: str | None
    message_id: str | None
    text: str = Field(description="The frame as sent, secrets masked; or a sentence")
    times: int = Field(description="How often it was the same, after the first of that day")
    first_at: PreciseTimestamp = Field(description="When the first of these was; `at` the newest")
