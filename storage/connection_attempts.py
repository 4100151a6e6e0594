"""Connections that were refused: whose, when, and why."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.connection_attempts import (
    UNKNOWN_IDENTITY,
    Misnamed,
    how_to_let_in,
    is_claimed,
    tries_to_connect_as,
)
from domain.facts import RefusedAttempt
from domain.rules.likeness import near_key, serial_key
from storage.dialects import among, at_once, conflict_insert
from storage.digests import digest
from storage.fact_records import RefusedConnection
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.read_models import read_model
from storage.rows import Rows, record_of
from storage.unclaimed_attempts import (
    MOMENTS_KEPT,
    UnclaimedIdentity,
    claimed_names,
    moments_of,
    unclaimed_names,
)

ATTEMPTS_KEPT: Final = 20
STRANGERS_KEPT: Final = 20_000
_MAX_IDENTITY: Final = 100

_attempt = read_model(RefusedAttempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedAttempt:
    """A refused attempt, with its place in the list; how often, and since when, it was the same."""

    id: int
    attempt: RefusedAttempt
    times: int
    first_at: datetime


async def store_attempts(connection: AsyncConnection, records: Sequence[RefusedConnection]) -> None:
    """Count refusals: a repeat adds to the count of its row, and makes no row of its own.

    The newest 20 rows of each identity are kept, without one of each project; of identities that
    no charge point has, the 20,000 in all that tried last.
    """
    groups: defaultdict[tuple[str, int], list[RefusedConnection]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.at):
        groups[record.identity[:_MAX_IDENTITY], _digest(record)].append(record)
    attempts = ConnectionAttempt.__table__.c
    known = {
        (row.identity, row.digest): row
        for row in await Rows(connection).read_all(
            select(ConnectionAttempt.__table__).where(
                among(connection, attempts.identity, {identity for identity, _ in groups})
            ),
            record_of(ConnectionAttempt),
        )
    }
    # One order for all nodes: rows locked in different orders would deadlock.
    ordered = sorted(groups.items())
    new = conflict_insert(connection, ConnectionAttempt)
    # Strangers come from many addresses, each of which is another row.
    counted = new.on_conflict_do_update(
        index_elements=["identity", "digest"],
        set_={
            "times": attempts.times + new.excluded.times,
            "at": new.excluded.at,
            "moments": new.excluded.moments,
            # The last two count where another node was faster.
            "first_at": func.coalesce(new.excluded.first_at, attempts.first_at, attempts.at),
        },
    )
    await connection.execute(
        at_once(connection, counted),
        [
            _row(group[-1]) | {"times": len(group), **_moments(group, known.get(key))}
            for key, group in ordered
        ],
    )
    if news := [group for key, group in ordered if key not in known]:
        await _delete_surplus(connection, {group[0].identity[:_MAX_IDENTITY] for group in news})
        if any(group[0].charge_point_id is None for group in news):
            await _delete_surplus_of_unknown(connection)


def _row(record: RefusedConnection) -> dict[str, Any]:
    return {
        "identity": record.identity[:_MAX_IDENTITY],
        "identity_key": serial_key(record.identity)[:_MAX_IDENTITY],
        "near_key": near_key(record.identity)[:_MAX_IDENTITY],
        "charge_point_id": record.charge_point_id,
        "code": record.code,
        "reason": record.reason[:500],
        "remote_address": record.remote_address,
        "project_id": record.project_id,
        "digest": _digest(record),
    }


def _digest(record: RefusedConnection) -> int:
    what = (
        record.charge_point_id,
        record.project_id,
        record.code,
        record.remote_address,
        record.reason[:500],
    )
    return digest(" ".join(str(one) for one in what))


def _moments(group: Sequence[RefusedConnection], row: ConnectionAttempt | None) -> dict[str, Any]:
    """Make the columns that tell when it was: the newest, the newest few before it, the first."""
    moments = [record.at for record in group]
    if row is not None:
        moments += [row.at, *moments_of(row.moments)]
    moments.sort(reverse=True)
    first = min([*moments, *([row.first_at] if row is not None and row.first_at else ())])
    return {
        "at": moments[0],
        "moments": [at.isoformat() for at in moments[1:MOMENTS_KEPT]] or None,
        "first_at": None if len(moments) == 1 else first,
    }


async def _delete_surplus(connection: AsyncConnection, identities: Collection[str]) -> None:
    attempts = ConnectionAttempt.__table__.c
    place = func.row_number().over(
        partition_by=(attempts.identity, attempts.project_id),
        order_by=(attempts.at.desc(), attempts.id.desc()),
    )
    of_them = (
        select(attempts.id, place.label("place"))
        .where(among(connection, attempts.identity, identities))
        .subquery()
    )
    surplus = select(of_them.c.id).where(of_them.c.place > ATTEMPTS_KEPT)
    await connection.execute(delete(ConnectionAttempt).where(attempts.id.in_(surplus)))


async def _delete_surplus_of_unknown(connection: AsyncConnection) -> None:
    attempts = ConnectionAttempt.__table__.c
    # One that tries all the time is an old row with a new moment.
    surplus = (
        select(attempts.at)
        .where(attempts.charge_point_id.is_(None))
        .order_by(attempts.at.desc())
        .offset(STRANGERS_KEPT)
        .limit(1)
        .scalar_subquery()
    )
    await connection.execute(
        delete(ConnectionAttempt)
        .where(attempts.charge_point_id.is_(None))
        .where(attempts.at <= surplus)
    )


async def last_refusal(
    connection: AsyncConnection, charge_point_id: str, *, since: datetime | None = None
) -> RefusedAttempt | None:
    """Return the newest refused attempt of a charge point, after ``since`` when given."""
    found = await last_refusals(connection, {charge_point_id: since})
    return found.get(charge_point_id)


async def last_refusals(
    connection: AsyncConnection, since: Mapping[str, datetime | None], *, guess: bool = False
) -> Mapping[str, RefusedAttempt]:
    """Return the newest refused attempt of each of these, after the moment when given.

    Also one under a name that nobody has, if that seems to be the charge point's; and that it has
    been claimed, until it tries again. ``guess``: of one
    that has never connected also what came without a name from where its project's others are.
    """
    if not since:
        return {}
    attempts = ConnectionAttempt.__table__.c
    # A refusal that came before the charge point was looked up has the name alone.
    whose = func.coalesce(attempts.charge_point_id, attempts.identity)
    place = func.row_number().over(
        partition_by=whose, order_by=(attempts.at.desc(), attempts.id.desc())
    )
    ordered = (
        select(ConnectionAttempt.__table__, whose.label("whose"), place.label("place"))
        .where(
            or_(
                among(connection, attempts.charge_point_id, list(since)),
                among(connection, attempts.identity, list(since)),
            )
        )
        # The name has been claimed since: the reason does not hold any more.
        .where(or_(attempts.code != UNKNOWN_IDENTITY, attempts.charge_point_id.is_(None)))
        # It has connected since: what was wrong then has been repaired.
        .where(
            ~exists()
            .where(col(ChargePointConnection.charge_point_id) == whose)
            .where(col(ChargePointConnection.connected_at) >= attempts.at)
        )
        .subquery()
    )
    rows = await connection.execute(select(ordered).where(ordered.c.place == 1))
    found = {row.whose: _attempt(row) for row in rows if row.whose in since}
    for charge_point_id, name in (await unclaimed_names(connection, list(since))).items():
        own = found.get(charge_point_id)
        if own is None or own.at < name.last_at:
            found[charge_point_id] = _under_name(name)
    for charge_point_id, claimed in (await claimed_names(connection, list(since))).items():
        own = found.get(charge_point_id)
        if own is None or own.at < claimed.at:
            found[charge_point_id] = RefusedAttempt(
                at=claimed.at,
                code=UNKNOWN_IDENTITY,
                reason=is_claimed(claimed),
                claimed=claimed,
            )
    if guess:
        found = await _nameless(connection, [one for one in since if one not in found]) | found
    return {
        identity: refusal
        for identity, refusal in found.items()
        if (oldest := since[identity]) is None or refusal.at > oldest
    }


async def _nameless(
    connection: AsyncConnection, charge_point_ids: Sequence[str]
) -> dict[str, RefusedAttempt]:
    """Return the newest nameless attempt of their project for those that never connected."""
    attempts = ConnectionAttempt.__table__.c
    rows = await connection.execute(
        select(ConnectionAttempt.__table__, col(ChargePoint.id).label("charge_point"))
        .join(ChargePoint, col(ChargePoint.project_id) == attempts.project_id)
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
        .where(~exists().where(col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)))
        .order_by(attempts.at, attempts.id)
    )
    return {row.charge_point: _guessed(_attempt(row)) for row in rows}


def _guessed(attempt: RefusedAttempt) -> RefusedAttempt:
    where = f"from {attempt.remote_address}, where others of the project come from"
    return replace(
        attempt, reason=f"This may be the one that was refused, {where}: {attempt.reason}"
    )


def _under_name(unclaimed: UnclaimedIdentity) -> RefusedAttempt:
    name = Misnamed(identity=unclaimed.identity, matches=unclaimed.matches)
    return RefusedAttempt(
        at=unclaimed.last_at,
        code=UNKNOWN_IDENTITY,
        reason=f"{tries_to_connect_as(name)} {how_to_let_in(name)}",
        remote_address=unclaimed.remote_address,
        misnamed=name,
    )


async def page_of_attempts(
    connection: AsyncConnection, charge_point_id: str, *, after: int | None, limit: int
) -> Sequence[CountedAttempt]:
    """Return refused attempts of a charge point, newest first, beyond the id ``after``."""
    # It came with the charge point's id, or with a name that it is known by.
    of_it = or_(
        col(ConnectionAttempt.identity) == charge_point_id,
        col(ConnectionAttempt.charge_point_id) == charge_point_id,
    )
    return await _page(connection, of_it, after=after, limit=limit)


async def page_of_nameless(
    connection: AsyncConnection, project_id: str, *, after: int | None, limit: int
) -> Sequence[CountedAttempt]:
    """Return refused attempts without a name, from addresses of this project alone."""
    of_project = col(ConnectionAttempt.project_id) == project_id
    return await _page(connection, of_project, after=after, limit=limit)


async def _page(
    connection: AsyncConnection, which: ColumnElement[bool], *, after: int | None, limit: int
) -> Sequence[CountedAttempt]:
    query = select(ConnectionAttempt.__table__).where(which)
    if after is not None:
        last = select(col(ConnectionAttempt.at)).where(col(ConnectionAttempt.id) == after)
        at = last.scalar_subquery()
        # Only the newest are kept: where the page before ended may be gone by now, and with it
        # all that is older.
        query = query.where(
            or_(
                col(ConnectionAttempt.at) < at,
                and_(col(ConnectionAttempt.at) == at, col(ConnectionAttempt.id) < after),
            )
        )
    rows = await connection.execute(
        query.order_by(col(ConnectionAttempt.at).desc(), col(ConnectionAttempt.id).desc()).limit(
            limit
        )
    )
    return [
        CountedAttempt(
            id=row.id, attempt=_attempt(row), times=row.times, first_at=row.first_at or row.at
        )
        for row in rows
    ]
