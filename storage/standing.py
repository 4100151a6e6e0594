"""Where a charge point stands by its runs: what its status says while no run is open."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import ChargePointStatus, RunStatus
from storage.catalogue import Catalogue
from storage.charge_points import registered
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun
from storage.rows import Rows, record_of
from storage.stale import stale_verdicts


async def standing(connection: AsyncConnection, charge_point_id: str) -> ChargePointStatus:
    """Say what the newest verdict makes of it.

    A verdict about another charge point than the one that is registered now is none: it is
    commissioned again, like one that never was.
    """
    verdict = await connection.scalar(
        select(col(CommissioningRun.status))
        .where(col(CommissioningRun.charge_point_id) == charge_point_id)
        .where(col(CommissioningRun.status).in_((RunStatus.COMPLETED, RunStatus.FAILED)))
        .order_by(col(CommissioningRun.id).desc())
        .limit(1)
    )
    match verdict:
        case RunStatus.COMPLETED:
            row = await Rows(connection).get(ChargePoint, charge_point_id)
            stale = await stale_verdicts(connection, {row.id: registered(row)})
            return ChargePointStatus.REGISTERED if stale else ChargePointStatus.COMMISSIONED
        case RunStatus.FAILED:
            return ChargePointStatus.COMMISSIONING_FAILED
        case _:
            return ChargePointStatus.REGISTERED


async def holds(
    connection: AsyncConnection, charge_point_ids: Collection[str], catalogue: Catalogue
) -> set[str]:
    """Those that are commissioned, and whose verdict is about what is there now.

    A configuration that is chosen, or a firmware that is installed or approved no more later,
    changes no status.
    """
    rows = await Rows(connection).read_all(
        select(ChargePoint.__table__)
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
        .where(col(ChargePoint.status) == ChargePointStatus.COMMISSIONED),
        record_of(ChargePoint),
    )
    known = {row.id: registered(row) for row in rows}
    return known.keys() - await stale_verdicts(connection, known, catalogue) if known else set()


async def restate(connection: AsyncConnection, charge_point_id: str) -> ChargePointStatus:
    """Have the status say what :func:`standing` says, after a change of the charge point."""
    status = await standing(connection, charge_point_id)
    await Rows(connection).at(ChargePoint, charge_point_id).set(status=status)
    return status
