"""Rows of contests between links: how one begins, is looked after, and ends."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contests import Contest, Link, Present, looked, read, stored
from domain.errors import ConflictError, NotFoundError
from storage.announcements import announce_contest
from storage.contest_marks import forget_statuses, mark, unmark
from storage.contested_stops import end_by
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of

link_record = record_of(ChargePointConnection)
NO_CONTEST: Final[Mapping[str, Any]] = {
    "contest_since": None,
    "contested_at": None,
    "contest_told_at": None,
    "rivals": None,
}
"""Values of a row without one."""


async def is_asked(connection: AsyncConnection, charge_point_id: str) -> bool:
    """Whether a link is still being asked: within seconds there is a contest, or none."""
    contest = (await read_contests(connection, [charge_point_id])).get(charge_point_id)
    return contest is not None and contest.confirmed_at is None


def contest_of(row: ChargePointConnection) -> Contest | None:
    """Read the contest of a row of ``connections``."""
    return read(row.rivals, since=row.contest_since, confirmed_at=row.contested_at)


def present_of(row: ChargePointConnection, *, live: bool) -> Present:
    """Read which links are there from a row of ``connections``."""
    link = Link(
        generation=row.generation,
        node_id=row.node_id,
        remote_address=row.remote_address,
        connected_at=row.connected_at,
        adopts=row.adopts,
    )
    return Present(
        link=link if live else None,
        contest=contest_of(row),
        kept=row.kept_address,
        decided=row.kept_at is not None,
        other_came_at=None if row.kept_at is None else _other_came_at(row),
    )


def _other_came_at(row: ChargePointConnection) -> datetime | None:
    others = [at for at, address in row.arrivals or () if address != row.kept_address]
    return max(map(datetime.fromisoformat, others), default=None)


def values_of(contest: Contest | None) -> dict[str, Any]:
    """Give the values of a row with this contest, but for who was told of it."""
    if contest is None:
        return {"contest_since": None, "contested_at": None, "rivals": None}
    return {
        "contest_since": contest.since,
        "contested_at": contest.confirmed_at,
        "rivals": stored(contest),
    }


async def read_contests(
    connection: AsyncConnection, charge_point_ids: Collection[str] | None = None
) -> dict[str, Contest]:
    """Return the contests of these charge points, or of all in a project; confirmed or not."""
    query = select(ChargePointConnection.__table__).where(
        col(ChargePointConnection.contest_since).is_not(None)
    )
    if charge_point_ids is None:
        query = query.join(ChargePoint).where(col(ChargePoint.withdrawn_at).is_(None))
    else:
        query = query.where(
            among(connection, col(ChargePointConnection.charge_point_id), charge_point_ids)
        )
    return {
        row.charge_point_id: contest
        for row in await Rows(connection).read_all(query, link_record)
        if (contest := contest_of(row)) is not None
    }


async def read_confirmed(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, Contest]:
    """Return the contests that people are to know of."""
    found = await read_contests(connection, charge_point_ids)
    return {key: contest for key, contest in found.items() if contest.confirmed_at is not None}


async def look(
    connection: AsyncConnection,
    charge_point_id: str,
    *,
    alive: Collection[int] = (),
    gone: Collection[int] = (),
    at: datetime,
) -> bool | None:
    """Take what a node has found of its links in a contest, and end the contest if that ends it.

    Returns whether any link is left, in a contest or alone; None: there is no contest.
    """
    row = await locked(connection, charge_point_id)
    contest = None if row is None else contest_of(row)
    if row is None or contest is None:
        return None
    now = looked(contest, alive=alive, gone=gone, at=at)
    if now == contest:
        return bool(now.links)
    if contest.confirmed_at is not None:
        await _write(connection, charge_point_id, now)
    elif len(now.links) <= 1:
        await _continue_with(connection, row, now.links, at=at)
    elif now.confirmed_at is None:
        await _write(connection, charge_point_id, now)
    elif row.kept_at is not None and now.links[0].remote_address == row.kept_address:
        await _continue_with(connection, row, now.links[:1], at=at)
    else:
        await _write(connection, charge_point_id, now)
        await begin(connection, charge_point_id, now)
    return bool(now.links)


async def locked(connection: AsyncConnection, charge_point_id: str) -> ChargePointConnection | None:
    """Read the row of ``connections``; nobody else changes who is connected until the commit."""
    await connection.execute(
        select(col(ChargePoint.id))
        .where(col(ChargePoint.id) == charge_point_id)
        .with_for_update(key_share=True)
    )
    return await Rows(connection).look_up(ChargePointConnection, charge_point_id)


async def begin(connection: AsyncConnection, charge_point_id: str, contest: Contest) -> None:
    """Mark what it touches, and announce it; what comes from now on is marked as it comes.

    Those are the transactions that run, and those of which something came since the first of these
    links met another.
    """
    assert contest.confirmed_at is not None  # noqa: S101 - only then anybody is to know
    touched = Rows(connection).those(
        Transaction,
        col(Transaction.charge_point_id) == charge_point_id,
        or_(
            col(Transaction.stopped_at).is_(None),
            col(Transaction.stop_received_at) >= contest.since,
        ),
    )
    await touched.set(contested=True)
    await announce_contest(connection, charge_point_id, contest, at=contest.confirmed_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKept:
    """What a person has decided; ``before`` is the contest that it ended, None: a repeat."""

    remote_address: str | None
    at: datetime
    before: Contest | None


async def keep(
    connection: AsyncConnection, charge_point_id: str, link: int, *, at: datetime
) -> LinkKept:
    """Let this link, by its number, be the charge point from now on.

    Raises:
        NotFoundError: ``link_not_found``.
        ConflictError: ``not_contested``.

    """
    row = await locked(connection, charge_point_id)
    contest = None if row is None else contest_of(row)
    if row is not None and contest is None and row.adopts == link and row.kept_at is not None:
        return LinkKept(remote_address=row.kept_address, at=row.kept_at, before=None)
    if row is None or contest is None or contest.confirmed_at is None:
        raise ConflictError(
            "not_contested",
            "No two links speak as this charge point now; there is nothing to decide.",
        )
    for one in contest.links:
        if one.generation == link:
            await decide(connection, row, one, contest, at=at)
            return LinkKept(remote_address=one.remote_address, at=at, before=contest)
    raise NotFoundError(
        "link_not_found",
        "None of the links that speak as this charge point has this number: those of its "
        f"`connection.contest` are {', '.join(str(one.generation) for one in contest.links)}.",
    )


async def decide(
    connection: AsyncConnection,
    row: ChargePointConnection,
    link: Link,
    contest: Contest,
    *,
    at: datetime,
) -> None:
    """Let one link speak from now on; what the others have told does not count any more."""
    charge_point_id = row.charge_point_id
    for other in contest.links:
        if other is link or other.connected_at >= contest.since:
            continue  # what a newcomer to it told is marked
        # It was there alone, and its node may have heard of the contest later.
        await mark(connection, charge_point_id, other.generation, since=other.connected_at)
    await _continue_with(
        connection, row, (link,), at=at, kept_at=at, kept_address=link.remote_address
    )
    await forget_statuses(connection, charge_point_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The links that a person has closed, all at once."""

    remote_addresses: tuple[str | None, ...]
    at: datetime


async def disconnect(connection: AsyncConnection, charge_point_id: str, *, at: datetime) -> Ended:
    """Let none of the links be the charge point: the next that comes is asked anew.

    They are those of a contest, or the one that was kept; then that is decided no more. Nothing
    that any of them has told counts. Their nodes close them at the next look.

    Raises:
        ConflictError: ``not_contested``.

    """
    row = await locked(connection, charge_point_id)
    there = None if row is None else present_of(row, live=row.disconnected_at is None)
    contest = None if there is None else there.contest
    is_confirmed = contest is not None and contest.confirmed_at is not None
    if row is None or there is None or not (is_confirmed or there.kept_is_there):
        raise ConflictError(
            "not_contested",
            "No two links speak as this charge point now, and none that was kept is there; there "
            "is nothing to disconnect.",
        )
    for link in there.links:
        if contest is None or link.connected_at < contest.since:
            await mark(connection, charge_point_id, link.generation, since=link.connected_at)
    undone = {"kept_at": None, "kept_address": None} if there.kept_is_there else {}
    await (
        Rows(connection)
        .at(ChargePointConnection, charge_point_id)
        .set(
            **NO_CONTEST,
            **undone,
            generation=row.generation + 1,  # no socket goes by it
            adopts=None,
            disconnected_at=at,
        )
    )
    await forget_statuses(connection, charge_point_id)
    return Ended(remote_addresses=tuple(link.remote_address for link in there.links), at=at)


async def _continue_with(
    connection: AsyncConnection,
    row: ChargePointConnection,
    links: Collection[Link],
    *,
    at: datetime,
    **decision: Any,
) -> None:
    """Continue with the one link that is left, under the next generation, or with none."""
    values = dict(NO_CONTEST) | decision
    if not links:
        values["disconnected_at"] = row.disconnected_at or at
    for link in links:
        values |= {
            "generation": row.generation + 1,
            "adopts": link.adopts or link.generation,
            "node_id": link.node_id,
            "remote_address": link.remote_address,
            "connected_at": link.connected_at,
            "disconnected_at": at if link.answered is False else None,
        }
    await Rows(connection).at(ChargePointConnection, row.charge_point_id).set(**values)
    spoke = [number for link in links for number in link.generations]
    await end_by(connection, row.charge_point_id, spoke)
    if decision:
        await unmark(connection, row.charge_point_id, links=spoke)
    else:
        await unmark(connection, row.charge_point_id, since=row.contest_since)


async def _write(connection: AsyncConnection, charge_point_id: str, contest: Contest) -> None:
    link = Rows(connection).at(ChargePointConnection, charge_point_id)
    await link.set(**values_of(contest))
