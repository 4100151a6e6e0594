"""The log of a run: its steps, verdicts and alarms, and the frames that prove it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.certificates import Frame, FrameDirection
from domain.checks import CheckRecord, RunView
from domain.rules.excerpt import PROVING_ACTIONS, quoted
from domain.states import CheckResult, LogLevel, RunStatus
from storage.dialects import among, at_once, conflict_insert
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun

_FRAMES_READ: Final = 2000
_FRAME_LENGTH: Final = 4000


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


async def count_frames(connection: AsyncConnection, runs: Collection[str]) -> Mapping[str, int]:
    """How many of each were logged until the verdict, those that are kept no more too."""
    there = (
        select(func.sum(col(LogEntry.times)))
        .where(col(LogEntry.commissioning_id) == col(CommissioningRun.id), *_counts())
        .correlate(CommissioningRun)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(
            col(CommissioningRun.id),
            (func.coalesce(there, 0) + col(CommissioningRun.frames_gone)).label("logged"),
        ).where(among(connection, col(CommissioningRun.id), runs))
    )
    return {row.id: int(row.logged) for row in rows}


async def proving_frames(
    connection: AsyncConnection, runs: Collection[str]
) -> Mapping[str, Sequence[tuple[int, Frame]]]:
    """Read the frames of each that an excerpt is made of, by time, each with its entry's id."""
    order = col(LogEntry.at).desc(), col(LogEntry.id).desc()
    place = func.row_number().over(partition_by=col(LogEntry.commissioning_id), order_by=order)
    numbered = (
        select(
            col(LogEntry.id),
            col(LogEntry.commissioning_id),
            col(LogEntry.at),
            col(LogEntry.direction),
            col(LogEntry.action),
            func.substr(col(LogEntry.text), 1, _FRAME_LENGTH + 1).label("text"),
            place.label("number"),
        )
        .join(CommissioningRun, col(CommissioningRun.id) == col(LogEntry.commissioning_id))
        .where(among(connection, col(LogEntry.commissioning_id), runs))
        .where(col(LogEntry.action).in_(PROVING_ACTIONS), *_counts())
        .subquery()
    )
    rows = await connection.execute(
        select(numbered)
        .where(numbered.c.number <= _FRAMES_READ)
        .order_by(numbered.c.commissioning_id, numbered.c.number.desc())
    )
    found: defaultdict[str, list[tuple[int, Frame]]] = defaultdict(list)
    for row in rows:
        text = row.text
        frame = Frame(
            at=row.at,
            direction=FrameDirection(row.direction),
            action=row.action,
            text=text if len(text) <= _FRAME_LENGTH else text[:_FRAME_LENGTH] + "…",
        )
        found[row.commissioning_id].append((int(row.id), frame))
    return found


async def quoted_frames(connection: AsyncConnection, runs: Collection[str]) -> set[int]:
    """Ids of the entries that a certificate may show, of these runs or of any that keeps them."""
    ids: set[int] = set()
    for frames in (await proving_frames(connection, runs)).values():
        chosen = set(quoted([frame for _, frame in frames]))
        ids |= {id_ for id_, frame in frames if frame in chosen}
    return ids


def _counts() -> tuple[ColumnElement[bool], ...]:
    """Whether an entry is a frame, and came before the verdict of its run."""
    end = col(CommissioningRun.completed_at)
    return col(LogEntry.kind) == "frame", or_(end.is_(None), col(LogEntry.at) <= end)
