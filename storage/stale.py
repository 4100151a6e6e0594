"""Charge points whose passed run is about another charge point than the one that is there now."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import Registered
from domain.facts import BootFact
from domain.rules.staleness import ChosenValue, PresentState, why_stale
from domain.states import RunStatus
from storage.boots import boot_fact
from storage.catalogue import Catalogue
from storage.contest_marks import counts
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.facts import Boot
from storage.models.runs import CommissioningRun
from storage.newest_runs import with_newest_run


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
    newest_boots = await _newest_boots(connection, registered)
    chosen = await _chosen(connection, registered)
    found = {}
    for row in runs:
        device = registered[row.charge_point_id]
        present = PresentState(
            vendor=device.vendor,
            model=device.model,
            serial_number=device.serial_number,
            boot=newest_boots.get(row.charge_point_id),
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


async def _newest_boots(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, BootFact]:
    newest = (
        select(col(Boot.id))
        .where(col(Boot.charge_point_id) == col(ChargePoint.id), counts(Boot.__table__))
        .order_by(col(Boot.at).desc(), col(Boot.id).desc())
        .limit(1)
        .correlate(ChargePoint)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(Boot.__table__)
        .select_from(ChargePoint.__table__.join(Boot, col(Boot.id) == newest))
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
    )
    return {row.charge_point_id: boot_fact(row) for row in rows}


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
