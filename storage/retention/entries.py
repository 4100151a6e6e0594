"""The log: frames that nothing quotes go after some months, all else that it says after a year.

Entries are walked by their ids, each once. Frames that a certificate of their run may show stay
(:func:`domain.rules.excerpt.quoted`), and their run counts those that went. Reports of a charge
point are not looked at here: they have a number, and no age (:mod:`storage.retention.newest`).

With it go commands that were sent long ago: nobody asks for one of a run that has ended.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Row, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import ParameterState
from storage.dialects import among
from storage.models.configuration import Parameter, SentCommand
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun
from storage.retention.step import ROWS, Step, old_ones, remove, step_behind
from storage.rows import Rows
from storage.run_log import quoted_frames

REPORT: Final = "report"
_FRAME: Final = "frame"
_RUNS: Final = 20
_Entry = Row[int, datetime, str, str | None, int]


async def let_frames_go(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Let go of frames that are older, but for those that are quoted."""
    rows = await _page(connection, position)
    old = old_ones(rows, _since, before=before, now=now)
    frames = [row for row in old if row.kind == _FRAME and row.at < before]
    runs = {row.commissioning_id for row in frames if row.commissioning_id is not None}
    ended = await _ended(connection, runs)
    quoted = await _quoted(connection, sorted(ended))
    unquoted = [row for row in frames if row.id not in quoted]
    await _count(connection, unquoted, ended)
    gone = await remove(connection, LogEntry.__table__, [row.id for row in unquoted])
    return await step_behind(connection, col(LogEntry.id), position, rows, old, gone)


async def let_entries_go(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Let go of steps, verdicts, notes and warnings that are older: the run's record has them."""
    rows = await _page(connection, position)
    old = old_ones(rows, _since, before=before, now=now)
    others = [row.id for row in old if row.kind not in {_FRAME, REPORT} and row.at < before]
    gone = await remove(connection, LogEntry.__table__, others)
    return await step_behind(connection, col(LogEntry.id), position, rows, old, gone)


def _since(entry: _Entry) -> datetime:
    moment: datetime = entry.at
    return moment


async def _page(connection: AsyncConnection, position: str) -> Sequence[_Entry]:
    return await Rows(connection).all(
        select(
            col(LogEntry.id),
            col(LogEntry.at),
            col(LogEntry.kind),
            col(LogEntry.commissioning_id),
            col(LogEntry.times),
        )
        .where(col(LogEntry.id) > int(position or 0))
        .order_by(col(LogEntry.id))
        .limit(ROWS)
    )


async def _quoted(connection: AsyncConnection, runs: Sequence[str]) -> set[int]:
    """Look at a few runs at once: each may have thousands of frames."""
    ids: set[int] = set()
    for first in range(0, len(runs), _RUNS):
        ids |= await quoted_frames(connection, runs[first : first + _RUNS])
    return ids


async def _ended(connection: AsyncConnection, runs: set[str]) -> dict[str, datetime | None]:
    """When those of the runs ended that there are; None: it is open."""
    if not runs:
        return {}
    return await Rows(connection).pairs(
        select(col(CommissioningRun.id), col(CommissioningRun.completed_at)).where(
            among(connection, col(CommissioningRun.id), runs)
        )
    )


async def _count(
    connection: AsyncConnection, frames: Sequence[_Entry], ended: dict[str, datetime | None]
) -> None:
    """Note in each run how many of its frames go; what came after its end was none of them."""
    counts: dict[str, int] = {}
    for row in frames:
        if row.commissioning_id in ended:
            end = ended[row.commissioning_id]
            if end is None or row.at <= end:
                counts[row.commissioning_id] = counts.get(row.commissioning_id, 0) + row.times
    for run, count in sorted(counts.items()):
        its_run = Rows(connection).at(CommissioningRun, run)
        await its_run.set(frames_gone=col(CommissioningRun.frames_gone) + count)


async def let_commands_go(connection: AsyncConnection, position: str, *, before: datetime) -> Step:
    """Let go of commands that were sent earlier; no position is needed, for what goes is gone.

    Those of a charge point whose run goes on, or whose configuration waits for a restart, stay: the
    step that gave the command may be done again, and must find it.
    """
    run, parameter = CommissioningRun.__table__.c, Parameter.__table__.c
    in_use = or_(
        exists()
        .where(run.charge_point_id == col(SentCommand.charge_point_id))
        .where(run.completed_at.is_(None)),
        exists()
        .where(parameter.charge_point_id == col(SentCommand.charge_point_id))
        .where(parameter.state == ParameterState.PENDING_REBOOT),
    )
    intents = await Rows(connection).values(
        select(col(SentCommand.intent))
        .where(col(SentCommand.sent_at) < before, ~in_use)
        .order_by(col(SentCommand.sent_at))
        .limit(ROWS)
    )
    those = Rows(connection).those(SentCommand, among(connection, col(SentCommand.intent), intents))
    await those.remove()
    return Step(position=position, gone=len(intents), is_last=len(intents) < ROWS)
