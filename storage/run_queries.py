"""Runs in queries: the open ones, the newest of a charge point, and whose test charge a tag is."""

from typing import Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    SQLColumnExpression,
    String,
    and_,
    case,
    func,
    literal,
    select,
)
from sqlmodel import col

from domain.id_tag import PADDING, RUN_PART, SHORTEST
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


def is_tag_of_the_run(id_tag: SQLColumnExpression[str] | str) -> ColumnElement[bool]:
    """Tell, of the row of a run, whether the tag is one of its test charges' (domain.id_tag)."""
    told = _key(literal(id_tag, String) if isinstance(id_tag, str) else id_tag)
    run = func.substr(_key(CommissioningRun.__table__.c.id_tag), 1, RUN_PART)
    zeros = _least(_padding(run), _padding(told))
    rest = func.substr(_unpadded(told), 1, func.length(_unpadded(run)))
    enough = zeros + func.length(rest) >= _least(func.length(run), literal(SHORTEST))
    return and_(enough, func.substr(_unpadded(run), 1, func.length(rest)) == rest)


def _key(tag: SQLColumnExpression[str]) -> ColumnElement[str]:
    return func.upper(func.trim(tag))


def _least(one: SQLColumnExpression[int], other: SQLColumnExpression[int]) -> ColumnElement[int]:
    return case((one < other, one), else_=other)


def _padding(tag: SQLColumnExpression[str]) -> ColumnElement[int]:
    return func.length(tag) - func.length(_unpadded(tag))


def _unpadded(tag: SQLColumnExpression[str]) -> ColumnElement[str]:
    return func.ltrim(tag, PADDING)
