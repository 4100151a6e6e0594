"""What a site owner has chosen before the handover: of theirs alone, so it goes with them."""

from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import AccessMode, Role
from storage.models.billing import Tariff
from storage.models.projects import IdTag, Project
from storage.rows import Rows


async def forget_choices(connection: AsyncConnection, project_id: str) -> dict[str, Any]:
    """Drop who may charge and the owner's tariffs; returns what there was, for the audit trail.

    Nothing was billed by them: the project is locked, and is not handed over. The limit of the
    supply and the time zone are facts of the site, and stay; so does what the installer has chosen.
    """
    access = await Rows(connection).value(col(Project.access), project_id)
    row = Rows(connection).at(Project, project_id, col(Project.access_set_as) == Role.SITE_OWNER)
    await row.set(access=AccessMode.LISTED, access_set_as=None, offline=None)
    tags = await connection.execute(
        delete(IdTag).where(
            col(IdTag.project_id) == project_id, col(IdTag.set_as) == Role.SITE_OWNER
        )
    )
    prices = await connection.execute(
        delete(Tariff).where(
            col(Tariff.project_id) == project_id, col(Tariff.set_as) == Role.SITE_OWNER
        )
    )
    return {"access": access, "id_tags": tags.rowcount, "tariffs": prices.rowcount}
