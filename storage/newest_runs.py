"""Which runs are open, and the newest run of each charge point: parts of queries."""

from typing import Final

from sqlalchemy import ColumnElement, FromClause, select
from sqlmodel import col

from domain.states import RunStatus
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun

OPEN: Final = (RunStatus.STARTING, RunStatus.IN_PROGRESS)


def is_open() -> ColumnElement[bool]:
    """Predicate of a run: there is no verdict yet."""
    return col(CommissioningRun.status).in_(OPEN)


def with_newest_run(which: ColumnElement[bool]) -> FromClause:
    """Join charge points with their newest run of which that holds; others are left out."""
    newest = (
        select(col(CommissioningRun.id))
        .where(col(CommissioningRun.charge_point_id) == col(ChargePoint.id), which)
        .order_by(col(CommissioningRun.id).desc())
        .limit(1)
        .correlate(ChargePoint)
        .scalar_subquery()
    )
    return ChargePoint.__table__.join(CommissioningRun, col(CommissioningRun.id) == newest)
