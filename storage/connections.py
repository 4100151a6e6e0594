"""Who is connected, and to which node."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.budget import OverBudget, WrittenToday, judge_budget, later
from domain.contests import Contest, Link, Present, meet
from domain.facts import ConnectionFact
from domain.flapping import ARRIVALS_KEPT, Arrival, Flapping, judge_flapping
from storage import contests
from storage.contest_marks import unmark
from storage.contested_stops import end_by
from storage.dialects import among, at_once, conflict_insert, listed
from storage.fact_records import Connected, Disconnected, Touched
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection, Node
from storage.nodes import beats, live_nodes
from storage.read_models import read_model
from storage.row_locks import lock_rows
from storage.rows import Rows
from storage.transactions import recent_transactions

_BUDGET: Final = ("budget_day", "budget_bytes", "budget_left_out", "budget_over_at")
_NOTHING: Final = (None,) * len(_BUDGET)


def is_live() -> ColumnElement[bool]:
    """Predicate on ``connections``: one link alone speaks as the charge point.

    Its socket is open, on a node that beat within 15 s.
    """
    return and_(_is_open(), col(ChargePointConnection.contest_since).is_(None))


def _is_open() -> ColumnElement[bool]:
    return and_(
        col(ChargePointConnection.disconnected_at).is_(None),
        exists().where(col(Node.id) == col(ChargePointConnection.node_id)).where(beats()),
    )


async def live_node(connection: AsyncConnection, charge_point_id: str) -> str | None:
    """Return the id of the node that holds the charge point's socket now."""
    node_id = col(ChargePointConnection.node_id)
    return await Rows(connection).value(node_id, charge_point_id, is_live())


async def read_connection(
    connection: AsyncConnection, charge_point_id: str, *, now: datetime
) -> ConnectionFact | None:
    """Return the present or last link; None when the charge point never connected."""
    return (await read_connections(connection, [charge_point_id], now=now)).get(charge_point_id)


async def read_connections(
    connection: AsyncConnection, charge_point_ids: Collection[str], *, now: datetime
) -> dict[str, ConnectionFact]:
    """Return the present or last links of those that ever connected."""
    rows = await connection.execute(
        select(ChargePointConnection.__table__, is_live().label("live")).where(
            among(connection, col(ChargePointConnection.charge_point_id), charge_point_ids)
        )
    )
    return {
        row.charge_point_id: ConnectionFact(
            connected=bool(row.live),
            node_id=row.node_id,
            generation=row.generation,
            ocpp_version=row.ocpp_version,
            at=row.connected_at if row.live else row.disconnected_at or row.last_seen_at or now,
            remote_address=row.remote_address,
            contested=row.contest_since is not None,
        )
        for row in rows
    }


async def store_connected(connection: AsyncConnection, records: Sequence[Connected]) -> None:
    """Give each new connection the next generation; the newest owns the charge point's row.

    Unless another link lives, too: then both are in a contest, or the newcomer is sent away; see
    :func:`domain.contests.meet`. One that is there already, as the answer to its commit was lost,
    keeps the one it has. Two nodes that admit the same charge point take turns:
    :func:`storage.row_locks.lock_rows_of`.
    """
    identities = {record.charge_point_id for record in records}
    rows = await connection.execute(
        select(col(ChargePoint.id), col(ChargePoint.watched_by), col(ChargePoint.watched_run))
        .where(among(connection, col(ChargePoint.id), identities))
        .where(col(ChargePoint.withdrawn_at).is_(None))  # it may have been since its handshake
    )
    known = {row.id: row for row in rows}
    before = await connection.execute(
        select(ChargePointConnection.__table__, _is_open().label("open")).where(
            among(connection, col(ChargePointConnection.charge_point_id), identities)
        )
    )
    last = {
        row.charge_point_id: _Last.of(contests.link_record(row), is_open=bool(row.open))
        for row in before
    }
    contested = any(found.present.contest for found in last.values())
    beating = set(await live_nodes(connection)) if contested else set()
    remembered = await recent_transactions(connection, identities)
    values: dict[str, dict[str, Any]] = {}
    alone: dict[str, tuple[datetime, list[int]]] = {}
    for record in records:
        row = known.get(record.charge_point_id)
        if row is None:
            continue
        was = last.get(record.charge_point_id, _Last())
        record.written = later(was.written, record.written)
        arrivals = was.arrivals
        arrival = Arrival(at=record.at, remote_address=record.remote_address)
        place = arrivals.index(arrival) if arrival in arrivals else len(arrivals)
        if place < len(arrivals):
            record.generation = was.generation + 1 - (len(arrivals) - place)
            continue
        link = Link(
            generation=was.generation + 1,
            node_id=record.node_id,
            remote_address=record.remote_address,
            connected_at=record.at,
        )
        record.unasked = _unasked(record, was.present)
        meeting = meet(
            link,
            was.present,
            has_key=record.has_key,
            alive=record.alive,
            gone=_gone(record, was.present, beating),
        )
        record.refused = None if record.unasked else meeting.refused
        if record.unasked or record.refused is not None:
            continue
        record.generation, record.contest = link.generation, meeting.contest
        before_it = was.present.contest
        if before_it is not None and meeting.contest is None and before_it.confirmed_at is None:
            alone[record.charge_point_id] = before_it.since, before_it.spoken_by(link)
        record.was_flapping = judge_flapping(arrivals, record.at) is not None
        record.flapping = judge_flapping([*arrivals, arrival], record.at)
        record.watched_by, record.watched_run = row.watched_by, row.watched_run
        record.transactions = remembered.get(record.charge_point_id, [])
        last[record.charge_point_id] = was.followed_by(link, meeting.contest, arrival)
        values[record.charge_point_id] = {
            "charge_point_id": record.charge_point_id,
            "node_id": record.node_id,
            "generation": record.generation,
            "ocpp_version": record.ocpp_version,
            "remote_address": record.remote_address,
            "connected_at": record.at,
            "disconnected_at": None,
            "last_seen_at": record.at,
            "last_heartbeat_at": None,
            "arrivals": [
                [one.at.isoformat(), one.remote_address]
                for one in last[record.charge_point_id].arrivals
            ],
            "adopts": None,
            "contest_told_at": was.told_at if meeting.contest else None,
            "firmware_status": None,
            "firmware_status_at": None,
            **_values_of(record.written),
            **contests.values_of(meeting.contest),
        }
    if values:
        # One order for all nodes: rows locked in different orders would deadlock.
        rows_to_write = [row for _, row in sorted(values.items())]
        new = conflict_insert(connection, ChargePointConnection)
        newest = new.on_conflict_do_update(
            index_elements=["charge_point_id"],
            # What is of the day, or was decided, outlives its links.
            set_={name: new.excluded[name] for name in rows_to_write[0]},
        )
        await connection.execute(at_once(connection, newest), rows_to_write)
    for charge_point_id, (since, spoken) in sorted(alone.items()):
        await end_by(connection, charge_point_id, spoken)
        await unmark(connection, charge_point_id, since=since)
    for record in records:
        contest = record.contest
        if contest is not None and contest.confirmed_at == record.at:
            await contests.begin(connection, record.charge_point_id, contest)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Last:
    """What is known of a charge point's links as a newcomer comes."""

    generation: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    present: Present = field(default_factory=Present)
    told_at: datetime | None = None
    written: WrittenToday | None = None

    @classmethod
    def of(cls, row: ChargePointConnection, *, is_open: bool) -> "_Last":
        return cls(
            generation=row.generation,
            arrivals=_arrivals(row.arrivals),
            present=contests.present_of(row, live=is_open),
            told_at=row.contest_told_at,
            written=_written(row),
        )

    def followed_by(self, link: Link, contest: Contest | None, arrival: Arrival) -> "_Last":
        return replace(
            self,
            generation=link.generation,
            arrivals=[*self.arrivals, arrival][-ARRIVALS_KEPT:],
            present=replace(self.present, link=link, contest=contest),
        )


def _unasked(record: Connected, present: Present) -> frozenset[int]:
    """Links of the same node that it has not asked: who has no key must not pass them by."""
    if record.has_key or record.asked_anew:
        return frozenset()
    return frozenset(
        link.generation
        for link in present.links
        if link.node_id == record.node_id
        and link.remote_address != record.remote_address
        and link.answered is not False
        and not link.is_one_of(record.alive | record.gone)
    )


def _gone(record: Connected, present: Present, beating: Collection[str]) -> set[int]:
    """Links that are no more: silent ones, and those that a node has lost or that lost its node."""
    return set(record.gone) | {
        link.generation
        for link in present.links
        if link.answered is False
        or (present.contest is not None and link.node_id not in {record.node_id, *beating})
    }


def _written(row: ChargePointConnection) -> WrittenToday | None:
    if row.budget_day is None:
        return None
    over_at = row.budget_over_at
    return WrittenToday(
        day=row.budget_day,
        bytes=row.budget_bytes,
        left_out=row.budget_left_out,
        over_at=over_at if over_at is not None and over_at.date() == row.budget_day else None,
    )


def _values_of(written: WrittenToday | None) -> dict[str, Any]:
    if written is None:
        return dict(zip(_BUDGET, (None, 0, 0, None), strict=True))
    values = written.day, written.bytes, written.left_out, written.over_at
    return dict(zip(_BUDGET, values, strict=True))


async def read_over_budget(
    connection: AsyncConnection, charge_point_id: str, *, now: datetime
) -> OverBudget | None:
    """Return the alarm of a charge point that has used its day up; None when it has not."""
    row = await Rows(connection).look_up(ChargePointConnection, charge_point_id)
    return None if row is None else judge_budget(_written(row), now)


def _arrivals(stored: list[tuple[str, str | None]] | None) -> list[Arrival]:
    return [
        Arrival(at=datetime.fromisoformat(at), remote_address=address)
        for at, address in stored or ()
    ]


async def read_flapping(
    connection: AsyncConnection, charge_point_id: str, *, now: datetime
) -> Flapping | None:
    """Return the alarm of a charge point that connects all the time; None when it is steady."""
    arrivals = col(ChargePointConnection.arrivals)
    stored = await Rows(connection).value(arrivals, charge_point_id)
    return judge_flapping(_arrivals(stored), now)


async def store_disconnected(connection: AsyncConnection, records: Sequence[Disconnected]) -> None:
    """End those links that are still the present ones; a late close changes nothing."""
    link = ChargePointConnection.__table__.c
    ended = listed(
        connection,
        (link.charge_point_id, link.node_id, link.generation, link.disconnected_at),
        [(one.charge_point_id, one.node_id, one.generation, one.at) for one in records],
    )
    current = await connection.execute(
        update(ChargePointConnection)
        .where(link.charge_point_id == ended.c.charge_point_id)
        .where(link.node_id == ended.c.node_id)
        .where(link.generation == ended.c.generation)
        # Its own end is there already when the answer to its commit was lost.
        .where(or_(link.disconnected_at.is_(None), link.disconnected_at == ended.c.disconnected_at))
        .values(disconnected_at=ended.c.disconnected_at)
        .returning(link.charge_point_id, link.generation)
    )
    were_current = {(row.charge_point_id, row.generation) for row in current}
    of: defaultdict[str, list[Disconnected]] = defaultdict(list)
    for record in records:
        ended_link = record.charge_point_id, record.generation
        record.was_current = ended_link in were_current
        were_current.discard(ended_link)  # its node may tell twice, and is told once
        of[record.charge_point_id].append(record)
    for charge_point_id in sorted(await contests.read_contests(connection, of)):
        # Of several: that they end says nothing, unless none is left.
        *_, last = gone = of[charge_point_id]
        left = await contests.look(
            connection, charge_point_id, gone={one.generation for one in gone}, at=last.at
        )
        for record in gone:
            record.was_current = record is last and not left


_OPTIONAL: Final = tuple(
    ChargePointConnection.__table__.c[name] for name in ("last_heartbeat_at", *_BUDGET)
)


async def store_touched(connection: AsyncConnection, records: Sequence[Touched]) -> None:
    """Note when charge points were last heard."""
    rows = [
        (one.charge_point_id, one.node_id, one.generation, one.seen_at, one.heartbeat_at)
        + (_NOTHING if one.written is None else tuple(_values_of(one.written).values()))
        for one in records
    ]
    link = ChargePointConnection.__table__.c
    newest = listed(
        connection,
        (link.charge_point_id, link.node_id, link.generation, link.last_seen_at, *_OPTIONAL),
        rows,
    )
    # One order for all nodes: rows locked in different orders would deadlock.
    await lock_rows(connection, link.charge_point_id, {one.charge_point_id for one in records})
    await connection.execute(
        update(ChargePointConnection)
        .where(link.charge_point_id == newest.c.charge_point_id)
        .where(link.node_id == newest.c.node_id)
        .where(link.generation == newest.c.generation)
        .values(
            last_seen_at=newest.c.last_seen_at,
            **{one.name: func.coalesce(newest.c[one.name], one) for one in _OPTIONAL},
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedLink:
    """The newest link of a charge point, on the node that asks."""

    generation: int
    ocpp_version: str
    remote_address: str | None
    open: bool
    withdrawn: bool
    adopts: int | None = None
    """The generation of the socket that goes on as this link."""


_owned_link = read_model(OwnedLink)


async def owned_by(connection: AsyncConnection, node_id: str) -> dict[str, OwnedLink]:
    """Return the newest links of charge points that are this node's, open or ended."""
    rows = await connection.execute(
        select(
            col(ChargePointConnection.charge_point_id),
            col(ChargePointConnection.generation),
            col(ChargePointConnection.ocpp_version),
            col(ChargePointConnection.remote_address),
            col(ChargePointConnection.adopts),
            col(ChargePointConnection.disconnected_at).is_(None).label("open"),
            col(ChargePoint.withdrawn_at).is_not(None).label("withdrawn"),
        )
        .join(ChargePoint, col(ChargePoint.id) == col(ChargePointConnection.charge_point_id))
        .where(col(ChargePointConnection.node_id) == node_id)
        .where(col(ChargePointConnection.contest_since).is_(None))
    )
    return {row.charge_point_id: _owned_link(row) for row in rows}
