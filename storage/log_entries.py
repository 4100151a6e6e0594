"""Entries of the detailed log as a node writes them; what a charge point repeats is a count.

On one day (UTC), the first time is an entry like any other, and every further time is one more of a
second entry, which stands in the log where the newest is. What is compared leaves out what differs
by itself: :attr:`storage.fact_records.LogEntry.same`.
"""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import exists, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import at_once, conflict_insert
from storage.fact_records import LogEntry
from storage.models.facts import LogEntry as LogEntryRow
from storage.models.runs import CommissioningRun

_FIRST: Final = "1"
_AGAIN: Final = "2"


async def store_log(connection: AsyncConnection, records: Sequence[LogEntry]) -> None:
    """Store them; those that say what is the same about them may be counted."""
    plain = [record for record in records if record.same is None]
    if plain:
        await connection.execute(
            at_once(connection, insert(LogEntryRow)), [_row(record) for record in plain]
        )
    await store_repeatable(connection, [record for record in records if record.same is not None])


async def store_repeatable(connection: AsyncConnection, records: Sequence[LogEntry]) -> None:
    """Store the first of each, and count the others."""
    groups: defaultdict[str, list[LogEntry]] = defaultdict(list)
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


def _key(record: LogEntry) -> str:
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


def _row(record: LogEntry) -> dict[str, Any]:
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
