"""The detailed log of a charge point: frames in both directions, steps, verdicts.

Of what a charge point repeats on one day (UTC), the first time is an entry like any other, and
every further time is one more of a second entry, which stands in the log where the newest is. What
is compared leaves out what differs by itself: :attr:`storage.fact_records.LogEntry.same`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import and_, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import LogLevel
from storage.dialects import at_once, conflict_insert
from storage.fact_records import LogEntry as LogFact
from storage.models.facts import LogEntry as LogEntryRow
from storage.models.runs import CommissioningRun
from storage.read_models import read_model
from storage.rows import Repository, columns_of

_FROM_LEVEL = {level: tuple(LogLevel)[place:] for place, level in enumerate(LogLevel)}
_FIRST: Final = "1"
_AGAIN: Final = "2"


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


async def store_log(connection: AsyncConnection, records: Sequence[LogFact]) -> None:
    """Store them; those that say what is the same about them may be counted."""
    plain = [record for record in records if record.same is None]
    if plain:
        await connection.execute(
            at_once(connection, insert(LogEntryRow)), [_row(record) for record in plain]
        )
    await store_repeatable(connection, [record for record in records if record.same is not None])


async def store_repeatable(connection: AsyncConnection, records: Sequence[LogFact]) -> None:
    """Store the first of each, and count the others."""
    groups: defaultdict[str, list[LogFact]] = defaultdict(list)
    for record in records:
        groups[_key(record)].append(record)
    if not groups:
        return
    new = conflict_insert(connection, LogEntryRow)
    written = await connection.scalars(
        new.on_conflict_do_nothing(index_elements=["entry_key"]).returning(
            col(LogEntryRow.entry_key)
        ),
        # One order for all nodes: rows locked in different orders would deadlock.
        [_row(groups[key][0]) | {"entry_key": f"{key}{_FIRST}"} for key in sorted(groups)],
    )
    for entry_key in written:
        groups[(entry_key or "").removesuffix(_FIRST)].pop(0)
    again = [
        _row(group[-1])
        | {
            "entry_key": f"{key}{_AGAIN}",
            "times": len(group),
            "first_at": None if len(group) == 1 else group[0].at,
        }
        for key, group in sorted(groups.items())
        if group
    ]
    if not again:
        return
    counted = new.on_conflict_do_update(
        index_elements=["entry_key"],
        set_={name: new.excluded[name] for name in ("at", "message_id", "text")}
        | {
            "times": col(LogEntryRow.times) + new.excluded.times,
            "first_at": func.coalesce(col(LogEntryRow.first_at), col(LogEntryRow.at)),
        },
        # A certificate quotes what came before the verdict; a node hears of it a little later.
        where=~exists()
        .where(col(CommissioningRun.id) == col(LogEntryRow.commissioning_id))
        .where(col(CommissioningRun.completed_at) < new.excluded.at),
    )
    await connection.execute(at_once(connection, counted), again)


def _key(record: LogFact) -> str:
    what = (
        record.charge_point_id,
        record.commissioning_id or "",
        record.level,
        record.kind,
        record.direction or "",
        record.action or "",
        record.same or record.text,
    )
    of = blake2b("\x1f".join(what).encode(errors="replace"), digest_size=16).hexdigest()
    return f"{of}:{record.at:%Y%m%d}:"


def _row(record: LogFact) -> dict[str, Any]:
    return {
        "charge_point_id": record.charge_point_id,
        "commissioning_id": record.commissioning_id,
        "at": record.at,
        "level": record.level,
        "kind": record.kind,
        "direction": record.direction,
        "action": record.action,
        "message_id": record.message_id,
        "text": record.text,
    }
