"""Messages that broke the standard: each kind is a row of its run, and a warning in its log."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import Irregularity
from domain.rules.oddities import MORE, in_words
from domain.states import LogLevel
from storage.dialects import among, at_once, conflict_insert, listed
from storage.fact_records import Oddity
from storage.models.facts import Irregularity as IrregularityRow
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun

_KEYS = ("charge_point_id", "commissioning_id", "action", "what", "refused")
_MOST_READ = 100
_MOST_KINDS = 100
_Key = tuple[str, str, str, str, bool]


async def store_oddities(connection: AsyncConnection, records: Sequence[Oddity]) -> None:
    """Count each kind, and tell the log of its first.

    What came after the end of its run is none of the run's: a node hears of the end a little later.
    """
    records = await _of_few_kinds(connection, await _in_their_runs(connection, records))
    counts = Counter(map(_key, records))
    newest = {_key(record): record for record in records}
    oldest = {_key(record): record for record in reversed(records)}
    first: list[Oddity] = []
    # One order for all nodes: rows locked in different orders would deadlock.
    for key in sorted(counts):
        statement = conflict_insert(connection, IrregularityRow).values(
            **dict(zip(_KEYS, key, strict=True)),
            times=counts[key],
            first_at=oldest[key].at,
            last_at=newest[key].at,
            excerpt=oldest[key].excerpt,
            astray=oldest[key].astray,
        )
        times = await connection.scalar(
            statement.on_conflict_do_update(
                index_elements=list(_KEYS),
                set_={
                    "times": col(IrregularityRow.times) + counts[key],
                    "last_at": statement.excluded.last_at,
                },
            ).returning(col(IrregularityRow.times))
        )
        if times == counts[key]:
            first.append(oldest[key])
    if first:
        await connection.execute(
            at_once(connection, LogEntry.__table__.insert()),
            [
                {
                    "charge_point_id": record.charge_point_id,
                    "commissioning_id": record.commissioning_id,
                    "at": record.at,
                    "level": LogLevel.WARNING,
                    "kind": _kind(record),
                    "action": record.action or None,
                    "text": in_words(
                        record.action, record.what, refused=record.refused, astray=record.astray
                    ),
                }
                for record in first
            ],
        )


async def _in_their_runs(
    connection: AsyncConnection, records: Sequence[Oddity]
) -> Sequence[Oddity]:
    runs = {record.commissioning_id for record in records if record.commissioning_id}
    if not runs:
        return records
    rows = await connection.execute(
        select(col(CommissioningRun.id), col(CommissioningRun.completed_at))
        .where(among(connection, col(CommissioningRun.id), runs))
        .where(col(CommissioningRun.completed_at).is_not(None))
    )
    ended = {row.id: row.completed_at for row in rows}
    return [
        replace(record, commissioning_id=None)
        if (end := ended.get(record.commissioning_id)) is not None and record.at > end
        else record
        for record in records
    ]


async def _of_few_kinds(connection: AsyncConnection, records: Sequence[Oddity]) -> Sequence[Oddity]:
    """Tell no more than a hundred kinds of a run apart, whatever a charge point makes up."""
    rows = await connection.execute(
        select(*(IrregularityRow.__table__.c[name] for name in _KEYS))
        .where(
            among(
                connection,
                col(IrregularityRow.charge_point_id),
                {record.charge_point_id for record in records},
            )
        )
        .where(
            among(
                connection,
                col(IrregularityRow.commissioning_id),
                {record.commissioning_id or "" for record in records},
            )
        )
    )
    kinds: defaultdict[tuple[str, str], set[_Key]] = defaultdict(set)
    for row in rows:
        kinds[row.charge_point_id, row.commissioning_id].add(tuple(row))
    found: list[Oddity] = []
    for record in records:
        key = _key(record)
        known = kinds[key[:2]]
        if key not in known and len(known) >= _MOST_KINDS:
            found.append(replace(record, action="", what=MORE, astray=False))
        else:
            known.add(key)
            found.append(record)
    return found


async def read_irregularities(
    connection: AsyncConnection, charge_point_id: str, commissioning_id: str
) -> tuple[Irregularity, ...]:
    """Return those of a run, what was refused first."""
    found = await irregularities_of(connection, {charge_point_id: commissioning_id})
    return found[charge_point_id]


async def irregularities_of(
    connection: AsyncConnection, runs: Mapping[str, str]
) -> Mapping[str, tuple[Irregularity, ...]]:
    """Return those of one run of each charge point, what was refused first."""
    wanted = listed(
        connection,
        (IrregularityRow.__table__.c.charge_point_id, IrregularityRow.__table__.c.commissioning_id),
        list(runs.items()),
    )
    order = col(IrregularityRow.refused).desc(), col(IrregularityRow.id)
    place = func.row_number().over(
        partition_by=col(IrregularityRow.charge_point_id), order_by=order
    )
    numbered = (
        select(IrregularityRow.__table__, place.label("number"))
        .join(
            wanted,
            (col(IrregularityRow.charge_point_id) == wanted.c.charge_point_id)
            & (col(IrregularityRow.commissioning_id) == wanted.c.commissioning_id),
        )
        .subquery()
    )
    rows = await connection.execute(
        select(numbered)
        .where(numbered.c.number <= _MOST_READ)
        .order_by(numbered.c.charge_point_id, numbered.c.number)
    )
    found: defaultdict[str, list[Irregularity]] = defaultdict(list)
    for row in rows:
        found[row.charge_point_id].append(
            Irregularity(
                action=row.action,
                what=row.what,
                refused=row.refused,
                count=row.times,
                excerpt=row.excerpt,
                astray=row.astray,
                last_at=row.last_at,
            )
        )
    return {identity: tuple(found[identity]) for identity in runs}


def _kind(record: Oddity) -> str:
    if record.astray:
        return "astray"
    return "refused" if record.refused else "repaired"


def _key(record: Oddity) -> _Key:
    run = record.commissioning_id or ""
    return record.charge_point_id, run, record.action, record.what, record.refused
