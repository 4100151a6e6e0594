"""What the mail of a handover tells the site owner, and whether it has been sent."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.billing.words import in_words
from domain.devices import device_name
from domain.handover import HandoverNotice
from domain.states import AccessMode, ProjectStatus
from storage.access import Access
from storage.connections import read_connections
from storage.features import Power
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.rows import Rows
from storage.tariffs import Tariffs

_TAGS_NAMED: Final = 20

_installers = aliased(Account, name="installers")
_owners = aliased(Account, name="owners")


async def read_handover_notice(
    connection: AsyncConnection, project_id: str, *, now: datetime
) -> HandoverNotice | None:
    """The site as it stands now; None once it is mailed, and of a site that is not handed over."""
    row = await Rows(connection).find(
        select(
            Project.__table__,
            col(_owners.email).label("owner_email"),
            col(_owners.name).label("owner_name"),
            col(_installers.name).label("installer_name"),
            col(_installers.company).label("installer_company"),
        )
        .join(_owners, col(_owners.id) == col(Project.site_owner_id))
        .join(_installers, col(_installers.id) == col(Project.installer_id))
        .where(col(Project.id) == project_id, col(Project.status) == ProjectStatus.HANDED_OVER)
        .where(col(Project.handover_mailed_at).is_(None))
    )
    if row is None:
        return None
    stations = await _charge_points(connection, project_id)
    links = await read_connections(connection, list(stations), now=now)
    access = Access(connection, project_id)
    _, listed = await access.mode()
    tags = await access.page(after=None, limit=_TAGS_NAMED)
    tariff = await Tariffs(connection, project_id).valid_at(now)
    prices = None if tariff is None else tariff.version.tariff
    return HandoverNotice(
        to=row.owner_email,
        name=row.owner_name,
        project_id=project_id,
        project_name=row.name,
        installer=row.installer_company or row.installer_name,
        signature=row.installer_signature,
        notes=row.sign_off_notes,
        handed_over_at=row.handed_over_at.astimezone(ZoneInfo(row.time_zone)),
        charge_points=tuple(stations.values()),
        access=AccessMode(row.access),
        id_tags=tuple(tag.label or tag.id_tag for tag in tags),
        id_tags_listed=listed,
        prices=() if prices is None else tuple(in_words(prices.elements, prices.currency)),
        limit=await Power(connection, project_id).limit(),
        offline=tuple(
            name
            for identity, name in stations.items()
            if identity not in links or not links[identity].connected
        ),
    )


async def _charge_points(connection: AsyncConnection, project_id: str) -> dict[str, str]:
    """What to call each charge point, by its id."""
    rows = await connection.execute(
        select(ChargePoint.__table__)
        .where(col(ChargePoint.project_id) == project_id, col(ChargePoint.withdrawn_at).is_(None))
        .order_by(col(ChargePoint.serial_number))
    )
    return {
        row.id: f"{row.serial_number}, {device_name(row.vendor, row.model)}"
        + (f", {row.location_address}" if row.location_address else "")
        for row in rows
    }
