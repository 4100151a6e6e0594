"""The progress of a run as a list of events: a pure function of its view.

The list only grows while the run goes on, and it is the same whether the view comes from the open
run or from the row that it left. So the place of an event in it is its number for ever, and
whoever has heard the first few can go on after them anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.checks import CheckRecord, RunView, Step
from domain.states import CheckResult

_ENDED = {CheckResult.PASSED, CheckResult.FAILED, CheckResult.SKIPPED}


class ProgressKind(StrEnum):
    """What happened in a run."""

    STARTED = "started"
    CHECK_STARTED = "check_started"
    STEP = "step"
    CHECK_ENDED = "check_ended"
    VERDICT = "verdict"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgressEvent:
    """One thing that happened, when, and in which check. ``at`` is unknown of a skipped check."""

    kind: ProgressKind
    at: datetime | None
    check: CheckRecord | None = None
    step: Step | None = None


def progress(view: RunView) -> tuple[ProgressEvent, ...]:
    """All that has happened in a run so far, in order; the verdict, if there is one, is the last.

    A check is told only when all before it have ended: a retry takes over later ones early, and
    a place in the list must not change.
    """
    return tuple(_events(view))


def _events(view: RunView) -> Iterator[ProgressEvent]:
    yield ProgressEvent(kind=ProgressKind.STARTED, at=view.started_at)
    for check in view.checks:
        yield from _of_check(check)
        if check.result not in _ENDED:
            break
    if not view.status.is_open:
        yield ProgressEvent(kind=ProgressKind.VERDICT, at=view.completed_at)


def _of_check(check: CheckRecord) -> Iterator[ProgressEvent]:
    if check.kept_from is None and check.started_at is not None:  # else it went on in another run
        yield ProgressEvent(kind=ProgressKind.CHECK_STARTED, at=check.started_at, check=check)
        for step in check.steps:
            yield ProgressEvent(kind=ProgressKind.STEP, at=step.at, check=check, step=step)
    if check.result in _ENDED:
        yield ProgressEvent(kind=ProgressKind.CHECK_ENDED, at=check.ended_at, check=check)
