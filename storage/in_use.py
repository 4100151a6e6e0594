"""Which charge points of a site drivers may charge at: commissioned, no run there, and staying."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import ChargePointStatus, ProjectStatus, RunStatus
from storage.tables import charge_points, commissioning_runs, projects, transactions

_OPEN = (RunStatus.STARTING, RunStatus.IN_PROGRESS)
_AT_WORK = (ChargePointStatus.COMMISSIONING, ChargePointStatus.COMMISSIONING_FAILED)


def is_commissioned() -> ColumnElement[bool]:
    """Tell, of the row of a charge point, whether a run of it has passed.

    One that fails a later run shares on: its verdict is told, and its owner decides.
    """
    passed = exists().where(
        commissioning_runs.c.charge_point_id == charge_points.c.id,
        commissioning_runs.c.status == RunStatus.COMPLETED,
    )
    return or_(
        charge_points.c.status == ChargePointStatus.COMMISSIONED,
        and_(charge_points.c.status.in_(_AT_WORK), passed),
    )


def open_run() -> ScalarSelect[Any]:
    """The id of the open run of a charge point, of whose row this is part; null: there is none."""
    return (
        select(commissioning_runs.c.id)
        .where(commissioning_runs.c.charge_point_id == charge_points.c.id)
        .where(commissioning_runs.c.status.in_(_OPEN))
        .scalar_subquery()
    )


def is_in_use() -> ColumnElement[bool]:
    """Tell, of the row of a charge point, whether drivers may charge there."""
    return and_(
        is_commissioned(),
        open_run().is_(None),
        charge_points.c.withdrawn_at.is_(None),
        charge_points.c.withdrawal.is_(None),
    )


async def at_live_site(connection: AsyncConnection, charge_point_id: str) -> bool:
    """Tell whether its site is handed over, so that drivers charge beside it."""
    status = await connection.scalar(
        select(projects.c.status)
        .join(charge_points, charge_points.c.project_id == projects.c.id)
        .where(charge_points.c.id == charge_point_id)
    )
    return status == ProjectStatus.HANDED_OVER


async def charging(connection: AsyncConnection, charge_point_id: str) -> list[int]:
    """The transactions that run there, as far as it has told."""
    rows = await connection.scalars(
        select(transactions.c.id)
        .where(transactions.c.charge_point_id == charge_point_id)
        .where(transactions.c.stopped_at.is_(None))
        .order_by(transactions.c.id)
    )
    return list(rows)
