"""How a batch stands: its counts, and the charge points that need a person.

A charge point of a batch shows its newest run since the batch came to it: who retries one by hand
sees the retry here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import FromClause, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.batch import BatchCounts
from domain.checks import RunView, Waiting
from domain.knocking import REFUSAL_COUNTS_FOR
from domain.refusals import explained
from domain.states import MemberState, RunStatus, WaitingFor
from storage.attempts import last_refusals
from storage.tables import batch_members, charge_points, commissioning_runs

OPEN_RUN = (RunStatus.STARTING, RunStatus.IN_PROGRESS)
_VIEW = TypeAdapter(RunView)
_WAITING = TypeAdapter(Waiting)
_ENDS = {
    RunStatus.COMPLETED: "passed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NeedsPerson:
    """A charge point of a batch that somebody has to look at.

    ``waiting`` of an open run, with the likely cause as it is known now; else ``view`` of a failed
    one.
    """

    charge_point_id: str
    serial_number: str
    place: str
    commissioning_id: str
    waiting: Waiting | None
    view: RunView | None


def members_with_runs() -> FromClause:
    """Join members with their runs; the columns of the run are null while it is queued."""
    newest = (
        select(func.max(commissioning_runs.c.id))
        .where(commissioning_runs.c.charge_point_id == batch_members.c.charge_point_id)
        .where(commissioning_runs.c.id >= batch_members.c.commissioning_id)
        .where(commissioning_runs.c.status != RunStatus.ABANDONED)
        .correlate(batch_members)
        .scalar_subquery()
    )
    return batch_members.outerjoin(commissioning_runs, commissioning_runs.c.id == newest)


async def count(connection: AsyncConnection, batch_id: str) -> BatchCounts:
    """Count the members by where they stand."""
    state, status = batch_members.c.state, commissioning_runs.c.status
    waiting_for = commissioning_runs.c.waiting_for
    rows = await connection.execute(
        select(
            state,
            status.label("status"),
            waiting_for.label("waiting_for"),
            func.count().label("number"),
        )
        .select_from(members_with_runs())
        .where(batch_members.c.batch_id == batch_id)
        .group_by(state, status, waiting_for)
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts["total"] += row.number
        counts[_place(row.state, row.status, waits=row.waiting_for is not None)] += row.number
    return BatchCounts(**counts)


def _place(state: str, status: str | None, *, waits: bool) -> str:
    """Name the count of :class:`BatchCounts`."""
    if state != MemberState.STARTED:
        return MemberState(state).value
    if status is None:  # its run was taken back: Temporal was away
        return "cancelled"
    run = RunStatus(status)
    if run.is_open:
        return "waiting" if waits else "in_progress"
    return _ENDS[run]


async def needing_a_person(
    connection: AsyncConnection, batch_id: str, *, after: str | None, limit: int
) -> Sequence[NeedsPerson]:
    """Charge points whose run failed or waits for somebody, in the order of their ids."""
    query = (
        select(
            batch_members.c.charge_point_id,
            charge_points.c.serial_number,
            charge_points.c.project_id,
            charge_points.c.location_address,
            commissioning_runs.c.id.label("commissioning_id"),
            commissioning_runs.c.status,
            commissioning_runs.c.waiting,
            commissioning_runs.c.view,
        )
        .select_from(
            members_with_runs().join(
                charge_points, charge_points.c.id == batch_members.c.charge_point_id
            )
        )
        .where(batch_members.c.batch_id == batch_id)
        .where(charge_points.c.withdrawn_at.is_(None))
        .where(
            or_(
                commissioning_runs.c.status == RunStatus.FAILED,
                commissioning_runs.c.waiting_for.is_not(None),
            )
        )
        .order_by(batch_members.c.charge_point_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(batch_members.c.charge_point_id > after)
    rows = (await connection.execute(query)).all()
    waits = {
        row.charge_point_id: _WAITING.validate_python(row.waiting)
        for row in rows
        if row.status != RunStatus.FAILED
    }
    refusals = await last_refusals(
        connection,
        {
            identity: waiting.since - REFUSAL_COUNTS_FOR
            for identity, waiting in waits.items()
            if waiting.waiting_for is WaitingFor.CONNECTION
        },
        guess=True,
    )
    return [
        NeedsPerson(
            charge_point_id=row.charge_point_id,
            serial_number=row.serial_number,
            place=row.location_address or "",
            commissioning_id=row.commissioning_id,
            waiting=explained(
                waits.get(row.charge_point_id),
                refusals.get(row.charge_point_id),
                project_id=row.project_id,
                charge_point_id=row.charge_point_id,
            ),
            view=None if row.view is None else _VIEW.validate_python(row.view),
        )
        for row in rows
    ]
