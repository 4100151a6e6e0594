"""Which charge points of a site drivers may charge at: commissioned, no run there, and staying."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import ChargePointStatus, ProjectStatus, RunStatus
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.rows import Rows
from storage.run_queries import is_open

_AT_WORK = (ChargePointStatus.COMMISSIONING, ChargePointStatus.COMMISSIONING_FAILED)


def is_commissioned() -> ColumnElement[bool]:
    """Tell, of the row of a charge point, whether a run of it has passed.

    One that fails a later run shares on: its verdict is told, and its owner decides.
    """
    passed = exists().where(
        col(CommissioningRun.charge_point_id) == col(ChargePoint.id),
        col(CommissioningRun.status) == RunStatus.COMPLETED,
    )
    return or_(
        col(ChargePoint.status) == ChargePointStatus.COMMISSIONED,
        and_(col(ChargePoint.status).in_(_AT_WORK), passed),
    )


def open_run() -> ScalarSelect[Any]:
    """The id of the open run of a charge point, of whose row this is part; null: there is none."""
    return (
        select(col(CommissioningRun.id))
        .where(col(CommissioningRun.charge_point_id) == col(ChargePoint.id), is_open())
        .scalar_subquery()
    )


def is_in_use() -> ColumnElement[bool]:
    """Tell, of the row of a charge point, whether drivers may charge there."""
    return and_(
        is_commissioned(),
        open_run().is_(None),
        col(ChargePoint.withdrawn_at).is_(None),
        col(ChargePoint.withdrawal).is_(None),
    )


async def at_live_site(connection: AsyncConnection, charge_point_id: str) -> bool:
    """Tell whether its site is handed over, so that drivers charge beside it."""
    status = await connection.scalar(
        select(col(Project.status))
        .join(ChargePoint, col(ChargePoint.project_id) == col(Project.id))
        .where(col(ChargePoint.id) == charge_point_id)
    )
    return status == ProjectStatus.HANDED_OVER


async def charging(connection: AsyncConnection, charge_point_id: str) -> list[str]:
    """The transactions that run there, as far as it has told."""
    return await Rows(connection).values(
        select(col(Transaction.ocpp_id))
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .where(col(Transaction.stopped_at).is_(None))
        .order_by(col(Transaction.id))
    )
