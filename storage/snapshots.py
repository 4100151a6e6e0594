"""What a workflow sees of a charge point: a snapshot, and then the events that it watches."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import CompoundSelect, String, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import Snapshot, StatusFact
from domain.names import site_workflow_id
from domain.states import ProjectStatus
from storage import connections as links
from storage.boots import newest_boot
from storage.connection_attempts import last_refusal
from storage.connectors import read_connectors
from storage.contests import read_confirmed
from storage.dialects import among
from storage.irregularities import read_irregularities
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of
from storage.transactions import transaction_fact

_MOST_OF_A_RUN: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """The workflows that hear the events of a charge point, and the run that logs its frames.

    ``owner`` is the workflow that owns it for the moment, ``site`` the one that shares the power of
    its site since the handover.
    """

    owner: str | None
    commissioning_id: str | None = None
    site: str | None = None


async def read_watches(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, Watch]:
    """Return the watches among these charge points."""
    handed_over = col(Project.status) == ProjectStatus.HANDED_OVER
    rows = await connection.execute(
        select(
            col(ChargePoint.id),
            col(ChargePoint.watched_by),
            col(ChargePoint.watched_run),
            col(ChargePoint.project_id),
            handed_over.label("handed_over"),
        )
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
        .where(or_(col(ChargePoint.watched_by).is_not(None), handed_over))
    )
    return {
        row.id: Watch(
            owner=row.watched_by,
            commissioning_id=row.watched_run,
            site=site_workflow_id(row.project_id) if row.handed_over else None,
        )
        for row in rows
    }


async def read_snapshot(
    connection: AsyncConnection,
    charge_point_id: str,
    *,
    now: datetime,
    commissioning_id: str | None = None,
) -> Snapshot:
    """Return all that a run needs to know of a charge point; read after the watch began."""
    rows = Rows(connection)
    seen = await rows.one(
        select(
            col(ChargePointConnection.last_heartbeat_at),
            col(ChargePointConnection.firmware_status),
            col(ChargePointConnection.firmware_status_at),
        )
        .select_from(ChargePoint.__table__.outerjoin(ChargePointConnection))
        .where(col(ChargePoint.id) == charge_point_id)
    )
    transactions = await rows.read_all(
        select(Transaction.__table__)
        .where(col(Transaction.id).in_(_of_interest(charge_point_id, commissioning_id)))
        .order_by(col(Transaction.id)),
        record_of(Transaction),
    )
    return Snapshot(
        connection=await links.read_connection(connection, charge_point_id, now=now),
        boot=await newest_boot(connection, charge_point_id),
        connectors=tuple((await read_connectors(connection, [charge_point_id]))[charge_point_id]),
        transactions=tuple(map(transaction_fact, transactions)),
        last_heartbeat_at=seen.last_heartbeat_at,
        firmware_status=None
        if seen.firmware_status is None
        else StatusFact(status=seen.firmware_status, at=seen.firmware_status_at),
        last_refusal=await last_refusal(connection, charge_point_id),
        flapping=await links.read_flapping(connection, charge_point_id, now=now),
        contest=(await read_confirmed(connection, [charge_point_id])).get(charge_point_id),
        over_budget=await links.read_over_budget(connection, charge_point_id, now=now),
        irregularities=()
        if commissioning_id is None
        else await read_irregularities(connection, charge_point_id, commissioning_id),
    )


def _of_interest(charge_point_id: str, commissioning_id: str | None) -> CompoundSelect[int]:
    """Select the transactions that run, those of the run, and those that came since it began.

    Of those that came since, only the newest count: a queue may hold very many. Each part has an
    index of its own, which an OR over the parts would not use.
    """
    ids = select(col(Transaction.id)).where(col(Transaction.charge_point_id) == charge_point_id)
    began = select(col(CommissioningRun.started_at)).where(
        col(CommissioningRun.id) == literal(commissioning_id, String)
    )
    newest = (
        select(col(Transaction.id), col(Transaction.received_at))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .order_by(col(Transaction.received_at).desc())
        .limit(_MOST_OF_A_RUN)
        .subquery()
    )
    return union(
        ids.where(col(Transaction.stopped_at).is_(None)),
        # "= NULL" is never true: without a run, only those that are open
        ids.where(col(Transaction.commissioning_id) == literal(commissioning_id, String)),
        select(newest.c.id).where(newest.c.received_at >= began.scalar_subquery()),
    )
