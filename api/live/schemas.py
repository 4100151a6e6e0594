"""The data of each event of a stream."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel

from api.commissioning.record import StepShown
from api.commissioning.schemas import CheckShown, StatusShown, WaitingShown
from api.fields import PreciseTimestamp, Shown, Timestamp
from domain.checks import CheckRecord, RunView, Step
from domain.progress import ProgressEvent, ProgressKind
from domain.states import CheckName, WaitingFor


class Passing(StrEnum):
    """Events that are true for the moment only; they have no id and are not told again."""

    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    CLOSING = "closing"


class StartedTold(Shown):
    """``started``: a run has begun."""

    commissioning_id: str
    charge_point_id: str
    started_at: Timestamp
    started_by: str
    previous_commissioning_id: str | None


class CheckStartedTold(BaseModel):
    """``check_started``."""

    commissioning_id: str
    charge_point_id: str
    check: CheckName
    at: PreciseTimestamp


class StepTold(BaseModel):
    """``step``: one thing was looked at or done."""

    commissioning_id: str
    charge_point_id: str
    check: CheckName
    step: StepShown


class CheckEndedTold(BaseModel):
    """``check_ended``: passed, failed, or skipped; kept when a retry took it over."""

    commissioning_id: str
    charge_point_id: str
    at: PreciseTimestamp | None
    kept_from: str | None
    check: CheckShown


class WaitingTold(Shown):
    """``waiting``: what the run waits for now, or nothing any more."""

    commissioning_id: str
    charge_point_id: str
    waiting_for: WaitingFor | None
    waiting: WaitingShown | None

    @classmethod
    def of(cls, it: RunView, **others: Any) -> Self:
        """Tell it of a run."""
        waiting_for = it.waiting.waiting_for if it.waiting else None
        return super().of(it, waiting_for=waiting_for, **others)


class NoticeTold(BaseModel):
    """``interrupted`` or ``closing``: what is the matter with the stream itself."""

    code: str
    detail: str


def told(view: RunView, event: ProgressEvent) -> BaseModel:
    """Render an event of a run."""
    run, point = view.commissioning_id, view.charge_point_id
    match event:
        case ProgressEvent(kind=ProgressKind.CHECK_STARTED, check=CheckRecord() as check):
            return CheckStartedTold(
                commissioning_id=run, charge_point_id=point, check=check.name, at=_known(event.at)
            )
        case ProgressEvent(check=CheckRecord() as check, step=Step() as step):
            return StepTold(
                commissioning_id=run,
                charge_point_id=point,
                check=check.name,
                step=StepShown.of(step),
            )
        case ProgressEvent(check=CheckRecord() as check):
            return CheckEndedTold(
                commissioning_id=run,
                charge_point_id=point,
                at=event.at,
                kept_from=check.kept_from,
                check=CheckShown.of(check),
            )
        case ProgressEvent(kind=ProgressKind.VERDICT):
            return StatusShown.of(view)
        case _:
            return StartedTold.of(view)


def _known(at: datetime | None) -> datetime:
    assert at is not None  # noqa: S101 - a check that began has its moment
    return at
