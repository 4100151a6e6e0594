"""The readable part of a run's detailed log: its steps, verdicts and alarms."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checks import CheckRecord, RunView
from domain.states import CheckResult, LogLevel, RunStatus
from storage.dialects import at_once, conflict_insert
from storage.models.facts import LogEntry


async def write_run_log(connection: AsyncConnection, view: RunView) -> None:
    """Write what a finished run has to say; a repeat writes nothing twice."""
    entries = [
        {
            "charge_point_id": view.charge_point_id,
            "commissioning_id": view.commissioning_id,
            "entry_key": f"{view.commissioning_id}:{number}",
            **entry,
        }
        for number, entry in enumerate(_entries(view))
    ]
    new = conflict_insert(connection, LogEntry).on_conflict_do_nothing()
    await connection.execute(at_once(connection, new), entries)


def _entries(view: RunView) -> Iterator[dict[str, Any]]:
    end = view.completed_at or view.started_at
    for check in view.checks:
        yield from _of_check(check, end)
    for alarm in view.alarms:
        yield _entry(end, LogLevel.ERROR, "alarm", alarm)
    level = LogLevel.ERROR if view.status is RunStatus.FAILED else LogLevel.INFO
    yield _entry(end, level, "verdict", _verdict(view))


def _verdict(view: RunView) -> str:
    if view.status is not RunStatus.CANCELLED or view.cancelled_by is None:
        return f"The run is {view.status}."
    why = f": {view.cancel_reason}" if view.cancel_reason else "."
    return f"The run is {view.status} by {view.cancelled_by}{why}"


def _of_check(check: CheckRecord, end: datetime) -> Iterator[dict[str, Any]]:
    for step in check.steps:
        level = LogLevel.WARNING if step.result is CheckResult.FAILED else LogLevel.INFO
        yield _entry(step.at, level, "step", f"{check.name} {step.name}: {step.detail}")
    at = check.ended_at or end
    for note in check.notes:
        yield _entry(at, LogLevel.WARNING, "note", f"{check.name}: {note}")
    if check.failure is not None:
        failure = check.failure
        text = f"{check.name} failed ({failure.code}): {failure.cause} {failure.action}"
        yield _entry(at, LogLevel.ERROR, "verdict", text)
    else:
        reason = f": {check.skip_reason}" if check.skip_reason else "."
        yield _entry(at, LogLevel.INFO, "verdict", f"{check.name} {check.result}{reason}")


def _entry(at: datetime, level: LogLevel, kind: str, text: str) -> dict[str, Any]:
    return {"at": at, "level": level, "kind": kind, "text": text}
