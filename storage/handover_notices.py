"""What the mail of a handover tells the site owner, and whether it has been sent."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.words import in_words
from domain.devices import device_name
from domain.handover import HandoverNotice
from domain.states import AccessMode, ProjectStatus
from storage.access import Access
from storage.connections import read_connections
from storage.features import Power
from storage.tables import accounts, charge_points, projects
from storage.tariffs import Tariffs

_TAGS_NAMED: Final = 20

_installers = accounts.alias("installers")
_owners = accounts.alias("owners")


async def read_handover_notice(
    connection: AsyncConnection, project_id: str, *, now: datetime
) -> HandoverNotice | None:
    """The site as it stands now; None once it is mailed, and of a site that is not handed over."""
    row = (
        await connection.execute(
            select(
                projects,
                _owners.c.email.label("owner_email"),
                _owners.c.name.label("owner_name"),
                _installers.c.name.label("installer_name"),
                _installers.c.company.label("installer_company"),
            )
            .join(_owners, _owners.c.id == projects.c.site_owner_id)
            .join(_installers, _installers.c.id == projects.c.installer_id)
            .where(projects.c.id == project_id)
            .where(projects.c.status == ProjectStatus.HANDED_OVER)
            .where(projects.c.handover_mailed_at.is_(None))
        )
    ).one_or_none()
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


async def mark_mailed(connection: AsyncConnection, project_id: str, at: datetime) -> None:
    """Note that the mail was sent."""
    await connection.execute(
        update(projects).where(projects.c.id == project_id).values(handover_mailed_at=at)
    )


async def _charge_points(connection: AsyncConnection, project_id: str) -> dict[str, str]:
    """What to call each charge point, by its id."""
    rows = await connection.execute(
        select(
            charge_points.c.id,
            charge_points.c.serial_number,
            charge_points.c.vendor,
            charge_points.c.model,
            charge_points.c.location_address,
        )
        .where(charge_points.c.project_id == project_id)
        .where(charge_points.c.withdrawn_at.is_(None))
        .order_by(charge_points.c.serial_number)
    )
    return {
        row.id: f"{row.serial_number}, {device_name(row.vendor, row.model)}"
        + (f", {row.location_address}" if row.location_address else "")
        for row in rows
    }
