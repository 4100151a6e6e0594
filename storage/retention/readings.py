"""Meter values, thinned: of five minutes the first stays, for each kind of reading in them.

They are walked by their ids, each looked at once. Of a session its first and last value stay, and
all of them where something rests on it: a run's verdict quotes it (a test charge), it is billed or
waits for that, a value of it is signed, or it has not ended. Of those outside of a session the
signed stay, and those that came during a run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Text, and_, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import among, listed
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.retention.step import ROWS, Step, looked_at, old_ones, remove

APART: Final = timedelta(minutes=5)
_EPOCH: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_SIGNED: Final = "SignedData"  # OCPP 1.6 §7.42 ValueFormat
_SAYS: Final = ("measurand", "phase", "location")
_Place = tuple[int | None, str, int]
_Shape = frozenset[tuple[Any, ...]]


async def thin(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Thin what came earlier than that moment."""
    rows = await _page(connection, int(position or 0))
    old = old_ones(rows, before=before, now=now)
    if not old:
        return Step(
            position=await looked_at(connection, col(MeterValue.id), int(position or 0)),
            is_last=True,
        )
    aged = [row for row in old if row.since < before]
    spare = await _spare(connection, await _that_may_go(connection, aged))
    gone = await remove(connection, MeterValue.__table__, spare)
    return Step(
        position=await looked_at(connection, col(MeterValue.id), old[-1].id),
        gone=gone,
        is_last=len(old) < len(rows) or len(rows) < ROWS,
    )


async def _page(connection: AsyncConnection, after: int) -> Sequence[Row[Any]]:
    rows = await connection.execute(
        select(MeterValue.__table__, col(MeterValue.received_at).label("since"))
        .where(col(MeterValue.id) > after)
        .order_by(col(MeterValue.id))
        .limit(ROWS)
    )
    return rows.all()


async def _that_may_go(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Leave out what something rests on."""
    sessions = {row.transaction_id for row in rows if row.transaction_id is not None}
    ends = await _ends(connection, sessions - await _kept_whole(connection, sessions))
    outside = [row for row in rows if row.transaction_id is None and not _is_signed(row)]
    during_runs = await _during_runs(connection, outside)
    return [
        *(row for row in rows if row.transaction_id in ends and row.at < ends[row.transaction_id]),
        *(row for row in outside if row.id not in during_runs),
    ]


async def _kept_whole(connection: AsyncConnection, sessions: set[int]) -> set[int]:
    if not sessions:
        return set()
    of_it = col(Transaction.id)
    signed = exists().where(
        col(MeterValue.transaction_id) == of_it,
        cast(col(MeterValue.samples), Text).contains(_SIGNED),
    )
    rows = await connection.scalars(
        select(of_it)
        .where(among(connection, of_it, sessions))
        .where(
            or_(
                col(Transaction.stopped_at).is_(None),
                col(Transaction.commissioning_id).is_not(None),
                col(Transaction.billing).is_not(None),
                signed,
            )
        )
    )
    kept = set(rows)
    for table in (
        ChargeDetailRecord.__table__,
        HeldRecord.__table__,
    ):  # they outlive the transaction
        kept |= set(
            await connection.scalars(
                select(table.c.transaction_id).where(
                    among(connection, table.c.transaction_id, sessions)
                )
            )
        )
    return kept


async def _ends(connection: AsyncConnection, sessions: set[int]) -> Mapping[int, datetime]:
    """When the last value of each was taken."""
    if not sessions:
        return {}
    rows = await connection.execute(
        select(col(MeterValue.transaction_id), func.max(col(MeterValue.at)).label("last"))
        .where(among(connection, col(MeterValue.transaction_id), sessions))
        .group_by(col(MeterValue.transaction_id))
    )
    return {row.transaction_id: row.last for row in rows}


async def _during_runs(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> set[int]:
    """Ids of those that came while their charge point was being commissioned."""
    if not rows:
        return set()
    values = MeterValue.__table__.c
    come = listed(
        connection,
        (values.charge_point_id, values.received_at),
        [(row.charge_point_id, row.received_at) for row in rows],
    )
    run = CommissioningRun.__table__.c
    found = await connection.scalars(
        select(come.c.place).where(
            exists().where(
                run.charge_point_id == come.c.charge_point_id,
                run.started_at <= come.c.received_at,
                or_(run.completed_at.is_(None), run.completed_at >= come.c.received_at),
            )
        )
    )
    return {rows[place - 1].id for place in found}


async def _spare(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[int]:
    """Return the ids of those that an earlier one of their five minutes says enough of."""
    if not rows:
        return []
    earlier: defaultdict[tuple[_Place, datetime], list[Any]] = defaultdict(list)
    for row in await _beside(connection, rows):
        earlier[_place(row), _begin(row.at)].append(row)
    return [
        row.id
        for row in rows
        if _is_said(row, before=_until(row, earlier[_place(row), _begin(row.at)]))
    ]


async def _beside(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Read all values of the five minutes that these are of."""
    found: list[Row[Any]] = []
    for in_session in (True, False):
        spans = {
            (_place(row), _begin(row.at))
            for row in rows
            if (row.transaction_id is not None) == in_session
        }
        if not spans:
            continue
        values = MeterValue.__table__.c
        column = values.transaction_id if in_session else values.charge_point_id
        wanted = listed(
            connection,
            (column, values.at, values.received_at),
            sorted(
                {
                    (transaction if in_session else charge_point, begin, begin + APART)
                    for (transaction, charge_point, _), begin in spans
                }
            ),
        )
        # An outer join: SQLite has no statistics, and else begins with all that is in no session.
        there = await connection.execute(
            select(MeterValue.__table__).select_from(
                wanted.outerjoin(
                    MeterValue,
                    and_(
                        column == wanted.c[column.name],
                        col(MeterValue.at) >= wanted.c.at,
                        col(MeterValue.at) < wanted.c.received_at,
                        true() if in_session else col(MeterValue.transaction_id).is_(None),
                    ),
                )
            )
        )
        found.extend(there)
    return found


def _place(row: Row[Any]) -> _Place:
    return row.transaction_id, row.charge_point_id, row.evse_id


def _begin(at: datetime) -> datetime:
    return at - (at - _EPOCH) % APART


def _until(row: Row[Any], others: Iterable[Row[Any]]) -> list[Row[Any]]:
    return [one for one in others if (one.at, one.id) < (row.at, row.id)]


def _is_said(row: Row[Any], *, before: Iterable[Row[Any]]) -> bool:
    """Whether those before have said of everything in this one how it was."""
    told: set[tuple[Any, ...]] = set()
    for one in before:
        told |= _shape(one)
    shape = _shape(row)
    return bool(told) and shape <= told


def _shape(row: Row[Any]) -> _Shape:
    return frozenset(tuple(sample.get(key) for key in _SAYS) for sample in row.samples)


def _is_signed(row: Row[Any]) -> bool:
    return any(sample.get("format") == _SIGNED for sample in row.samples)
