"""How much an account has, counted no further than is asked."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.accounts import Counted
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.documents import Photo
from storage.models.projects import Project


async def how_many(
    connection: AsyncConnection, account_id: str, what: Counted, *, at_most: int
) -> int:
    """Count what is in the projects that an account has made, up to ``at_most``.

    Nobody else counts for that account until the commit: what comes at once has one quota.
    """
    await connection.execute(
        select(col(Account.id)).where(col(Account.id) == account_id).with_for_update(key_share=True)
    )
    found = _of(what).where(col(Project.installer_id) == account_id).limit(at_most).subquery()
    return await connection.scalar(select(func.count()).select_from(found)) or 0


def _of(what: Counted) -> Select[Any]:
    match what:
        case Counted.PROJECTS:
            return select(col(Project.id))
        case Counted.CHARGE_POINTS:
            return select(col(ChargePoint.id)).join(
                Project, col(Project.id) == col(ChargePoint.project_id)
            )
        case Counted.PHOTOS:
            return (
                select(col(Photo.id))
                .join(ChargePoint, col(ChargePoint.id) == col(Photo.charge_point_id))
                .join(Project, col(Project.id) == col(ChargePoint.project_id))
            )
