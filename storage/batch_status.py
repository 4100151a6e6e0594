"""How a batch stands: its counts, and the charge points that need a person.

A charge point of a batch shows its newest run since the batch came to it, so that a retry by hand
is shown here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import FromClause, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.batch import BatchCounts
from domain.checks import RunView, Waiting
from domain.connection_attempts import REFUSAL_COUNTS_FOR
from domain.refusals import explained
from domain.states import MemberState, RunStatus, WaitingFor
from storage.connection_attempts import last_refusals
from storage.models.charge_points import ChargePoint
from storage.models.runs import BatchMember, CommissioningRun
from storage.rows import Rows

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
        select(func.max(col(CommissioningRun.id)))
        .where(col(CommissioningRun.charge_point_id) == col(BatchMember.charge_point_id))
        .where(col(CommissioningRun.id) >= col(BatchMember.commissioning_id))
        .where(col(CommissioningRun.status) != RunStatus.ABANDONED)
        .correlate(BatchMember)
        .scalar_subquery()
    )
    return BatchMember.__table__.outerjoin(CommissioningRun, col(CommissioningRun.id) == newest)


async def count(connection: AsyncConnection, batch_id: str) -> BatchCounts:
    """Count the members by their status."""
    run, state = CommissioningRun.__table__.c, col(BatchMember.state)
    rows = await connection.execute(
        select(state, run.status, run.waiting_for, func.count().label("number"))
        .select_from(members_with_runs())
        .where(col(BatchMember.batch_id) == batch_id)
        .group_by(state, run.status, run.waiting_for)
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
    """Return charge points whose run failed or waits for somebody, in the order of their ids."""
    query = (
        select(
            col(BatchMember.charge_point_id),
            col(ChargePoint.serial_number),
            col(ChargePoint.project_id),
            col(ChargePoint.location_address),
            CommissioningRun.__table__.c.id.label("commissioning_id"),
            col(CommissioningRun.status),
            col(CommissioningRun.waiting),
            col(CommissioningRun.view),
        )
        .select_from(
            members_with_runs().join(
                ChargePoint, col(ChargePoint.id) == col(BatchMember.charge_point_id)
            )
        )
        .where(col(BatchMember.batch_id) == batch_id, col(ChargePoint.withdrawn_at).is_(None))
        .where(
            or_(
                col(CommissioningRun.status) == RunStatus.FAILED,
                col(CommissioningRun.waiting_for).is_not(None),
            )
        )
        .order_by(col(BatchMember.charge_point_id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(BatchMember.charge_point_id) > after)
    rows = await Rows(connection).all(query)
    waits = {row.charge_point_id: row.waiting for row in rows if row.status != RunStatus.FAILED}
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
            view=row.view,
        )
        for row in rows
    ]
