"""Shapes of starting, cancelling and following a run."""

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from api.commissioning.results import ConnectorBrief, FailureShown, TestedConnectors, in_brief
from api.connection_attempts.schemas import ClaimShown
from api.fields import Absent, Duration, Reason, Request, Shown, Timestamp, example
from domain.checks import CheckRecord, RunView
from domain.commissioning import DEFAULT_WAIT_FOR_CONNECTION, MAX_WAIT_FOR_CONNECTION, RunOptions
from domain.states import (
    CheckName,
    CheckResult,
    ConnectorChoice,
    InstallerAnswer,
    RunStatus,
    WaitingFor,
)
from domain.wording import FieldValueError

_COM = "com_01HX6RSTUVWXYZ1234"
_CP = "cp_01HX5P2QRSTUVWXYZ0"
_MIN_WAIT = timedelta(seconds=1)


def _bearable(wait: timedelta) -> timedelta:
    if not _MIN_WAIT <= wait <= MAX_WAIT_FOR_CONNECTION:
        raise ValueError(f"must be from 1 second to {MAX_WAIT_FOR_CONNECTION.days} days")
    return wait


class Start(Request):
    """What the run should do."""

    model_config = example(run_test_transaction=True, notify_on_complete=True)

    run_test_transaction: StrictBool = Field(
        default=True, description="False: the test transaction is skipped, on the record"
    )
    test_connectors: TestedConnectors = Field(
        default=ConnectorChoice.ALL,
        description="Which connectors get a test charge, one after the other: `all`, `first`, or "
        "their numbers. Those left out are named in the record and on the certificate",
    )
    notify_on_complete: StrictBool = Field(default=False, description="Mail me the verdict")
    wait_for_connection: Annotated[
        Duration,
        AfterValidator(_bearable),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "format": "duration"},
                    {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": int(MAX_WAIT_FOR_CONNECTION.total_seconds()),
                    },
                ],
                "default": "PT15M",
            }
        ),
    ] = Field(
        default=DEFAULT_WAIT_FOR_CONNECTION,
        description="How long to wait for the charge point to connect: ISO 8601 or seconds",
    )
    skip_reason: Reason | None = Field(
        default=None, description="Why the test transaction is skipped, for the record"
    )

    update_firmware: StrictBool = Field(
        default=False,
        description="True: firmware that is not approved is updated where the catalogue knows how; "
        "by the charge point itself, or by you in the vendor's app (`waiting_for: installer`)",
    )
    stop_sessions: StrictBool = Field(
        default=False,
        description="True: whoever charges there has their session ended first; it is billed. "
        "False: at a site that is handed over, the start is refused while somebody charges there",
    )

    @model_validator(mode="after")
    def _reason_of_a_skip(self) -> "Start":
        if self.skip_reason is not None and self.run_test_transaction:
            raise FieldValueError("goes with run_test_transaction false", "skip_reason")
        if self.test_connectors != ConnectorChoice.ALL and not self.run_test_transaction:
            raise FieldValueError("goes with run_test_transaction true", "test_connectors")
        return self

    def options(self) -> RunOptions:
        """As the workflow takes them."""
        return RunOptions(
            run_test_transaction=self.run_test_transaction,
            test_connectors=self.test_connectors,
            notify_on_complete=self.notify_on_complete,
            wait_for_connection=self.wait_for_connection,
            skip_reason=self.skip_reason,
            update_firmware=self.update_firmware,
            stop_sessions=self.stop_sessions,
        )


class Retry(Request):
    """How much is done again."""

    model_config = example(from_scratch=False)

    from_scratch: StrictBool = Field(
        default=False,
        description="True: every check is repeated. False: passed ones are kept where no restart, "
        "firmware, configuration or device has changed since",
    )
    update_firmware: StrictBool | None = Field(
        default=None, description="As in a start; left out: as the newest run was started"
    )
    test_connectors: TestedConnectors | None = Field(
        default=None, description="As in a start; left out: as the newest run was started"
    )
    stop_sessions: StrictBool = Field(
        default=False, description="As in a start; left out: nobody's session is ended"
    )


class Started(Shown):
    """A run that has begun."""

    model_config = example(
        commissioning_id=_COM,
        charge_point_id=_CP,
        status="in_progress",
        started_at="2026-05-01T09:35:00Z",
    )

    commissioning_id: str
    charge_point_id: str
    status: RunStatus
    started_at: Timestamp


class Cancel(Request):
    """Why the run is cancelled."""

    model_config = example(reason="Wrong bay")

    reason: Reason | None = None


class AnswerGiven(Request):
    """What a person says to what the run asks."""

    model_config = example(answer="done", note="Updated in the vendor's app")

    answer: InstallerAnswer = Field(
        description="One of `waiting.answers` of the status. `done`: it is done, look again. "
        "`give_up`: the check fails. `skip`: the test charge on the connector that is asked about "
        "is skipped, on the record; it needs a `note`"
    )
    note: Reason | None = Field(default=None, description="For the record; a skip needs it")
    connector_id: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None,
        description="`waiting.connector_id`: an answer that comes too late is then not taken for "
        "one about the next connector",
    )

    @model_validator(mode="after")
    def _reason_of_a_skip(self) -> "AnswerGiven":
        if self.answer is InstallerAnswer.SKIP and self.note is None:
            raise FieldValueError("a skip needs one, which says why", "note")
        return self


class Answered(BaseModel):
    """The answer was taken; the status shows what follows."""

    model_config = example(
        commissioning_id=_COM,
        charge_point_id=_CP,
        asked=(
            "Update the firmware to 1.6.6 or newer in the vendor's app or portal, "
            "then answer done; or give it up."
        ),
        answer="done",
    )

    commissioning_id: str
    charge_point_id: str
    asked: str
    answer: InstallerAnswer


class Cancelling(BaseModel):
    """A run that is being cancelled; its status says when that is done."""

    model_config = example(commissioning_id=_COM, charge_point_id=_CP, status="in_progress")

    commissioning_id: str
    charge_point_id: str
    status: RunStatus


class WaitingShown(Shown):
    """What an open run waits for."""

    since: Timestamp
    until: Timestamp
    prompt: str
    likely_cause: str | None
    claim: ClaimShown | None = Field(
        default=None, description="The call that lets it in, where it tries another name"
    )
    answers: list[InstallerAnswer] = Field(
        default=[], description="What can be answered; empty when nothing is asked"
    )
    connector_id: Absent[int] = Field(
        default=None, description="The connector whose test charge goes on, if one does"
    )


class CheckShown(Shown):
    """One check in brief; `code`, `cause` and `action` are there when it failed."""

    name: CheckName
    result: CheckResult
    code: Absent[str] = None
    cause: Absent[str] = None
    action: Absent[str] = None
    skip_reason: Absent[str] = None
    needs_review: Absent[bool] = None
    connectors: Absent[list[ConnectorBrief]] = Field(
        default=None, description="Of the test charge, where the charge point has several"
    )

    @classmethod
    def of(cls, it: CheckRecord, **others: Any) -> Self:
        """Show a check in brief."""
        several = [ConnectorBrief.of(test) for test in it.connectors]
        connectors = several if len(several) > 1 else None
        return super().of(it, **in_brief(it), connectors=connectors, **others)


class StatusShown(Shown):
    """The newest run of a charge point; the same shape while it is open and after its verdict."""

    model_config = example(
        commissioning_id=_COM,
        charge_point_id=_CP,
        status="completed",
        checks=[
            {"name": "ocpp_handshake", "result": "passed"},
            {"name": "firmware_version", "result": "passed"},
            {"name": "connector_available", "result": "passed"},
            {"name": "test_transaction", "result": "passed"},
        ],
        started_at="2026-05-01T09:35:00Z",
        completed_at="2026-05-01T09:37:22Z",
        waiting_for=None,
        waiting=None,
        failure=None,
        cleaning_up=False,
        alarms=[],
    )

    commissioning_id: str
    charge_point_id: str
    status: RunStatus
    checks: list[CheckShown]
    started_at: Timestamp
    completed_at: Timestamp | None
    waiting_for: WaitingFor | None
    waiting: WaitingShown | None
    failure: FailureShown | None
    cleaning_up: bool = Field(
        description="The checks have ended, or the run is cancelled; a test charge is stopped "
        "before the verdict"
    )
    alarms: list[str]

    @classmethod
    def of(cls, it: RunView, **others: Any) -> Self:
        """Show a run in brief."""
        return super().of(
            it,
            checks=[CheckShown.of(check) for check in it.checks],
            waiting_for=it.waiting.waiting_for if it.waiting else None,
            **others,
        )
