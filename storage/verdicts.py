"""Which verdict a charge point stands by: the newest, unless it is about another unit by now."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import Registered
from domain.rules.staleness import ChosenValue, PresentState, why_stale
from domain.states import ChargePointStatus, RunStatus
from storage.boots import newest_boots
from storage.catalogue import Catalogue
from storage.charge_points import registered
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.runs import CommissioningRun
from storage.rows import Rows, record_of
from storage.run_queries import with_newest_run


async def stale_verdicts(
    connection: AsyncConnection,
    registered: Mapping[str, Registered],
    catalogue: Catalogue | None = None,
) -> dict[str, str]:
    """Say what has changed, by charge point for those whose newest run that passed is stale.

    Without a catalogue it is not asked whether the firmware is still approved.
    """
    passed = col(CommissioningRun.status) == RunStatus.COMPLETED
    runs = await connection.execute(
        select(col(CommissioningRun.charge_point_id), col(CommissioningRun.view))
        .select_from(with_newest_run(passed))
        .where(among(connection, col(ChargePoint.id), registered))
    )
    booted = await newest_boots(connection, registered)
    chosen = await _chosen(connection, registered)
    found = {}
    for row in runs:
        device = registered[row.charge_point_id]
        present = PresentState(
            vendor=device.vendor,
            model=device.model,
            serial_number=device.serial_number,
            boot=booted.get(row.charge_point_id),
            chosen=chosen[row.charge_point_id],
            connectors=device.connectors,
            firmware=None
            if catalogue is None
            else catalogue.resolve(device.vendor, device.model).firmware,
        )
        why = why_stale(row.view, present)
        if why is not None:
            found[row.charge_point_id] = why
    return found


async def _chosen(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> defaultdict[str, dict[str, ChosenValue]]:
    rows = await connection.execute(
        select(Parameter.__table__).where(
            among(connection, col(Parameter.charge_point_id), charge_point_ids)
        )
    )
    found: defaultdict[str, dict[str, ChosenValue]] = defaultdict(dict)
    for row in rows:
        found[row.charge_point_id][row.variable] = ChosenValue(value=row.desired, at=row.chosen_at)
    return found


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
