"""The detailed log of a charge point: frames in both directions, steps, verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlmodel import col

from domain.states import LogLevel
from storage.models.facts import LogEntry as LogEntryRow
from storage.read_models import read_model
from storage.rows import Repository, columns_of

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


_entry = read_model(LogEntry)


class Log(Repository):
    """Read side of the detailed log."""

    async def page(
        self, charge_point_id: str, wanted: LogFilter, *, after: int | None, limit: int
    ) -> Sequence[LogEntry]:
        """Entries by time, after the entry with the id ``after``.

        Frames are written as they pass, steps at the verdict; by time they stand where they belong.
        """
        first_at = func.coalesce(col(LogEntryRow.first_at), col(LogEntryRow.at)).label("first_at")
        columns = columns_of(LogEntryRow, but=("first_at",))
        query = select(*columns, first_at).where(
            col(LogEntryRow.charge_point_id) == charge_point_id
        )
        if wanted.commissioning_id is not None:
            query = query.where(col(LogEntryRow.commissioning_id) == wanted.commissioning_id)
        if wanted.level is not None:
            query = query.where(col(LogEntryRow.level).in_(_FROM_LEVEL[wanted.level]))
        if wanted.since is not None:
            query = query.where(col(LogEntryRow.at) >= wanted.since)
        if wanted.until is not None:
            query = query.where(col(LogEntryRow.at) < wanted.until)
        if after is not None:
            last = select(col(LogEntryRow.at)).where(col(LogEntryRow.id) == after).scalar_subquery()
            query = query.where(
                or_(
                    col(LogEntryRow.at) > last,
                    and_(col(LogEntryRow.at) == last, col(LogEntryRow.id) > after),
                )
            )
        query = query.order_by(col(LogEntryRow.at), col(LogEntryRow.id)).limit(limit)
        return await self._rows.read_all(query, _entry)
