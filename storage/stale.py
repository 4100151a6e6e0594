"""Charge points whose passed run is about another charge point than the one that is there now."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.facts import BootFact
from domain.rules.staleness import Chosen, Present, why_stale
from domain.states import RunStatus
from storage.dialects import among
from storage.facts import boot_fact
from storage.runs import view_of
from storage.tables import boots, commissioning_runs, parameters


async def stale_verdicts(
    connection: AsyncConnection, project_id: str, serials: Mapping[str, str]
) -> dict[str, str]:
    """Say what has changed, by charge point; ``serials`` are the registered ones, by their ids."""
    newest = (
        select(func.max(commissioning_runs.c.id))
        .where(commissioning_runs.c.project_id == project_id)
        .where(commissioning_runs.c.status == RunStatus.COMPLETED)
        .group_by(commissioning_runs.c.charge_point_id)
    )
    runs = await connection.execute(
        select(commissioning_runs.c.charge_point_id, commissioning_runs.c.view).where(
            commissioning_runs.c.id.in_(newest)
        )
    )
    newest_boots = await _newest_boots(connection, serials)
    chosen = await _chosen(connection, serials)
    found = {}
    for row in runs:
        present = Present(
            serial_number=serials[row.charge_point_id],
            boot=newest_boots.get(row.charge_point_id),
            chosen=chosen[row.charge_point_id],
        )
        why = why_stale(view_of(row.view), present)
        if why is not None:
            found[row.charge_point_id] = why
    return found


async def _newest_boots(
    connection: AsyncConnection, serials: Mapping[str, str]
) -> dict[str, BootFact]:
    newest = (
        select(boots.c.charge_point_id, func.max(boots.c.at).label("at"))
        .where(among(connection, boots.c.charge_point_id, serials))
        .group_by(boots.c.charge_point_id)
        .subquery()
    )
    rows = await connection.execute(
        select(boots).join(
            newest,
            (boots.c.charge_point_id == newest.c.charge_point_id) & (boots.c.at == newest.c.at),
        )
    )
    return {row.charge_point_id: boot_fact(row) for row in rows}


async def _chosen(
    connection: AsyncConnection, serials: Mapping[str, str]
) -> defaultdict[str, dict[str, Chosen]]:
    rows = await connection.execute(
        select(parameters).where(among(connection, parameters.c.charge_point_id, serials))
    )
    found: defaultdict[str, dict[str, Chosen]] = defaultdict(dict)
    for row in rows:
        found[row.charge_point_id][row.key] = Chosen(value=row.desired, at=row.chosen_at)
    return found
