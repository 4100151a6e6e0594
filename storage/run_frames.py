"""Frames that the log of a run holds: how many, which prove it, and which of those are quoted."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.certificates import Frame, FrameDirection
from domain.rules.excerpt import PROVING_ACTIONS, quoted
from storage.dialects import among
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun

_FRAMES_READ: Final = 2000
_FRAME_LENGTH: Final = 4000


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
