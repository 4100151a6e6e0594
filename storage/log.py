"""The detailed log of a charge point: frames in both directions, steps, verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import LogLevel
from storage.tables import log_entries

_FROM_LEVEL = {level: tuple(LogLevel)[place:] for place, level in enumerate(LogLevel)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEntry:
    """One entry. ``text`` is a frame as sent, secrets masked, or a sentence.

    What was the same ``times`` times since ``first_at`` is one entry, as the newest was at ``at``.
    """

    id: int
    commissioning_id: str | None
    at: datetime
    level: LogLevel
    kind: str
    direction: str | None
    action: str | None
    message_id: str | None
    text: str
    times: int
    first_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFilter:
    """Which entries: of a run, from a level upwards, in ``since <= at < until``."""

    commissioning_id: str | None = None
    level: LogLevel | None = None
    since: datetime | None = None
    until: datetime | None = None


class Log:
    """Read side of the detailed log."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(
        self, charge_point_id: str, wanted: LogFilter, *, after: int | None, limit: int
    ) -> Sequence[LogEntry]:
        """Entries by time, after the entry with the id ``after``.

        Frames are written as they pass, steps at the verdict; by time they stand where they belong.
        """
        query = select(log_entries).where(log_entries.c.charge_point_id == charge_point_id)
        if wanted.commissioning_id is not None:
            query = query.where(log_entries.c.commissioning_id == wanted.commissioning_id)
        if wanted.level is not None:
            query = query.where(log_entries.c.level.in_(_FROM_LEVEL[wanted.level]))
        if wanted.since is not None:
            query = query.where(log_entries.c.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(log_entries.c.at < wanted.until)
        if after is not None:
            last = select(log_entries.c.at).where(log_entries.c.id == after).scalar_subquery()
            query = query.where(
                or_(
                    log_entries.c.at > last,
                    and_(log_entries.c.at == last, log_entries.c.id > after),
                )
            )
        rows = await self._connection.execute(
            query.order_by(log_entries.c.at, log_entries.c.id).limit(limit)
        )
        return [
            LogEntry(
                id=row.id,
                commissioning_id=row.commissioning_id,
                at=row.at,
                level=LogLevel(row.level),
                kind=row.kind,
                direction=row.direction,
                action=row.action,
                message_id=row.message_id,
                text=row.text,
                times=row.times,
                first_at=row.first_at or row.at,
            )
            for row in rows
        ]
