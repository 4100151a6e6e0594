"""The newest runs of a project's charge points, for whoever follows all of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.checks import RunView
from domain.states import RunStatus
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun
from storage.read_models import read_model
from storage.rows import Rows
from storage.run_queries import with_newest_run


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
