"""Meter values, thinned: of five minutes the first stays, for each kind of reading in them.

They are walked by their ids, each looked at once. Of a session its first and last value stay, and
all of them where something rests on it: a run's verdict quotes it (a test charge), it is billed or
waits for that, a value of it is signed, or it has not ended. Of those outside of a session the
signed stay, and those that came during a run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Text, and_, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import among, listed
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.retention.step import ROWS, Step, old_ones, remove, step_behind
from storage.rows import Rows

APART: Final = timedelta(minutes=5)
_EPOCH: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_SIGNED: Final = "SignedData"  # OCPP 1.6 §7.42 ValueFormat
_SAYS: Final = ("measurand", "phase", "location")
_Place = tuple[int | None, str, int]


class _Reading(NamedTuple):
    """What matters here of a meter value; a record of all its columns takes more time to make."""

    id: int
    transaction_id: int | None
    charge_point_id: str
    evse_id: int
    at: datetime
    received_at: datetime
    samples: Sequence[Mapping[str, Any]]


_COLUMNS: Final = [MeterValue.__table__.c[name] for name in _Reading._fields]


async def thin(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Thin what came earlier than that moment."""
    rows = await Rows(connection).read_all(
        select(*_COLUMNS)
        .where(col(MeterValue.id) > int(position or 0))
        .order_by(col(MeterValue.id))
        .limit(ROWS),
        _Reading._make,
    )
    old = old_ones(rows, lambda row: row.received_at, before=before, now=now)
    aged = [row for row in old if row.received_at < before]
    spare = await _spare(connection, await _that_may_go(connection, aged))
    gone = await remove(connection, MeterValue.__table__, spare)
    return await step_behind(connection, col(MeterValue.id), position, rows, old, gone)


async def _that_may_go(connection: AsyncConnection, rows: Sequence[_Reading]) -> Sequence[_Reading]:
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
    kept = await Rows(connection).values(
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
    for record in (ChargeDetailRecord, HeldRecord):  # they outlive the transaction
        column = record.__table__.c.transaction_id
        billed = select(column).where(among(connection, column, sessions))
        kept += await Rows(connection).values(billed)
    return set(kept)


async def _ends(connection: AsyncConnection, sessions: set[int]) -> Mapping[int | None, datetime]:
    """When the last value of each was taken."""
    if not sessions:
        return {}
    return await Rows(connection).pairs(
        select(col(MeterValue.transaction_id), func.max(col(MeterValue.at)))
        .where(among(connection, col(MeterValue.transaction_id), sessions))
        .group_by(col(MeterValue.transaction_id))
    )


async def _during_runs(connection: AsyncConnection, rows: Sequence[_Reading]) -> set[int]:
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


async def _spare(connection: AsyncConnection, rows: Sequence[_Reading]) -> list[int]:
    """Return the ids of those that an earlier one of their five minutes says enough of."""
    beside: defaultdict[tuple[_Place, datetime], list[_Reading]] = defaultdict(list)
    for row in await _beside(connection, rows):
        beside[_place(row), _begin(row.at)].append(row)
    return [row.id for row in rows if _is_said(row, beside[_place(row), _begin(row.at)])]


async def _beside(connection: AsyncConnection, rows: Sequence[_Reading]) -> Sequence[_Reading]:
    """Read all values of the five minutes that these are of."""
    found: list[_Reading] = []
    values = MeterValue.__table__.c
    for in_session in (True, False):
        column = values.transaction_id if in_session else values.charge_point_id
        spans = {
            (
                row.transaction_id if in_session else row.charge_point_id,
                _begin(row.at),
                _begin(row.at) + APART,
            )
            for row in rows
            if (row.transaction_id is not None) == in_session
        }
        if not spans:
            continue
        wanted = listed(connection, (column, values.at, values.received_at), sorted(spans))
        # An outer join: SQLite has no statistics, and else begins with all that is in no session.
        there = await Rows(connection).read_all(
            select(*_COLUMNS).select_from(
                wanted.outerjoin(
                    MeterValue,
                    and_(
                        column == wanted.c[column.name],
                        col(MeterValue.at) >= wanted.c.at,
                        col(MeterValue.at) < wanted.c.received_at,
                        true() if in_session else col(MeterValue.transaction_id).is_(None),
                    ),
                )
            ),
            _Reading._make,
        )
        found += there
    return found


def _place(row: _Reading) -> _Place:
    return row.transaction_id, row.charge_point_id, row.evse_id


def _begin(at: datetime) -> datetime:
    return at - (at - _EPOCH) % APART


def _is_said(row: _Reading, others: Iterable[_Reading]) -> bool:
    """Whether those of the others before it have said of everything in it how it was."""
    before = [one for one in others if (one.at, one.id) < (row.at, row.id)]
    told = {kind for one in before for kind in _kinds(one)}
    return bool(told) and _kinds(row) <= told


def _kinds(row: _Reading) -> set[tuple[Any, ...]]:
    return {tuple(sample.get(key) for key in _SAYS) for sample in row.samples}


def _is_signed(row: _Reading) -> bool:
    return any(sample.get("format") == _SIGNED for sample in row.samples)
