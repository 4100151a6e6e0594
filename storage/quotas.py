"""How much an account has, counted no further than is asked."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.accounts import Counted
from storage.tables import accounts, charge_points, photos, projects


async def how_many(
    connection: AsyncConnection, account_id: str, what: Counted, *, at_most: int
) -> int:
    """Count what is in the projects that an account has made, up to ``at_most``.

    Nobody else counts for that account until the commit: what comes at once has one quota.
    """
    await connection.execute(
        select(accounts.c.id).where(accounts.c.id == account_id).with_for_update(key_share=True)
    )
    found = _of(what).where(projects.c.installer_id == account_id).limit(at_most).subquery()
    return await connection.scalar(select(func.count()).select_from(found)) or 0


def _of(what: Counted) -> Select[Any]:
    match what:
        case Counted.PROJECTS:
            return select(projects.c.id)
        case Counted.CHARGE_POINTS:
            return select(charge_points.c.id).join(
                projects, projects.c.id == charge_points.c.project_id
            )
        case Counted.PHOTOS:
            return (
                select(photos.c.id)
                .join(charge_points, charge_points.c.id == photos.c.charge_point_id)
                .join(projects, projects.c.id == charge_points.c.project_id)
            )
