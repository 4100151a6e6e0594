"""Runs in queries: open ones, the newest of each charge point, whose test charge an id tag is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.checks import RunView
from domain.id_tag import PADDING, RUN_PART, SHORTEST
from domain.states import RunStatus
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun
from storage.read_models import read_model
from storage.rows import Rows

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


@dataclass(frozen=True, kw_only=True, slots=True)
class NewestRun:
    """Of a charge point; ``wait_number`` grows when what it waits for becomes something else."""

    charge_point_id: str
    commissioning_id: str
    status: RunStatus
    wait_number: int


_newest_run = read_model(NewestRun)


async def newest_runs(
    connection: AsyncConnection, project_id: str, *, limit: int
) -> Sequence[NewestRun]:
    """One for each charge point that has a run, in the order of the charge points' ids."""
    return await Rows(connection).read_all(
        select(
            col(CommissioningRun.charge_point_id),
            col(CommissioningRun.id).label("commissioning_id"),
            col(CommissioningRun.status),
            col(CommissioningRun.wait_number),
        )
        .select_from(with_newest_run(col(CommissioningRun.status) != RunStatus.ABANDONED))
        .where(col(ChargePoint.project_id) == project_id)
        .order_by(col(ChargePoint.id))
        .limit(limit),
        _newest_run,
    )


async def verdicts_of(connection: AsyncConnection, run_ids: Collection[str]) -> Sequence[RunView]:
    """Views of those of the runs that have ended."""
    views = await Rows(connection).values(
        select(col(CommissioningRun.view))
        .where(among(connection, col(CommissioningRun.id), run_ids))
        .where(col(CommissioningRun.view).is_not(None))
    )
    return [view for view in views if view is not None]


async def charge_points_by_run(
    connection: AsyncConnection, project_id: str, *, limit: int
) -> Mapping[str, str]:
    """Charge points of the project's newest runs, taken-back ones too, by the runs' ids."""
    return await Rows(connection).pairs(
        select(col(CommissioningRun.id), col(CommissioningRun.charge_point_id))
        .where(col(CommissioningRun.project_id) == project_id)
        .order_by(col(CommissioningRun.id).desc())
        .limit(limit)
    )
