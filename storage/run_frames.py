"""Frames that the log of a run holds: how many, which prove it, and which of those are quoted."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.certificates import Frame, FrameDirection
from domain.rules.excerpt import PROVING_ACTIONS, quoted
from storage.tables import commissioning_runs, log_entries

_FRAMES_READ: Final = 2000
_FRAME_LENGTH: Final = 4000


async def count_frames(connection: AsyncConnection, runs: Collection[str]) -> int:
    """How many were logged until the verdict, those that are kept no more too."""
    there = await connection.scalar(
        select(func.sum(log_entries.c.times)).select_from(_until_verdict()).where(*_of(runs))
    )
    gone = await connection.scalar(
        select(func.sum(commissioning_runs.c.frames_gone)).where(commissioning_runs.c.id.in_(runs))
    )
    return int(there or 0) + int(gone or 0)


async def proving_frames(
    connection: AsyncConnection, runs: Collection[str]
) -> Sequence[tuple[int, Frame]]:
    """Read the frames that an excerpt is made of, by time, each with the id of its entry."""
    rows = await connection.execute(
        select(
            log_entries.c.id,
            log_entries.c.at,
            log_entries.c.direction,
            log_entries.c.action,
            func.substr(log_entries.c.text, 1, _FRAME_LENGTH + 1).label("text"),
        )
        .select_from(_until_verdict())
        .where(*_of(runs))
        .where(log_entries.c.action.in_(PROVING_ACTIONS))
        .order_by(log_entries.c.at.desc(), log_entries.c.id.desc())
        .limit(_FRAMES_READ)
    )
    found = [
        (
            int(row.id),
            Frame(
                at=row.at,
                direction=FrameDirection(row.direction),
                action=row.action,
                text=row.text if len(row.text) <= _FRAME_LENGTH else row.text[:_FRAME_LENGTH] + "…",
            ),
        )
        for row in rows
    ]
    return found[::-1]


async def quoted_frames(connection: AsyncConnection, run: str) -> set[int]:
    """Ids of the entries that a certificate may show, of this run or of one that keeps it."""
    frames = await proving_frames(connection, [run])
    chosen = set(quoted([frame for _, frame in frames]))
    return {id_ for id_, frame in frames if frame in chosen}


def _until_verdict() -> FromClause:
    return log_entries.join(
        commissioning_runs,
        and_(
            commissioning_runs.c.id == log_entries.c.commissioning_id,
            or_(
                commissioning_runs.c.completed_at.is_(None),
                log_entries.c.at <= commissioning_runs.c.completed_at,
            ),
        ),
    )


def _of(runs: Collection[str]) -> tuple[ColumnElement[Any], ...]:
    return log_entries.c.commissioning_id.in_(runs), log_entries.c.kind == "frame"
