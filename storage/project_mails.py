"""What mails say of a project: that of an invitation, whose page says it too, and of a handover."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.billing.words import in_words
from domain.devices import device_name
from domain.handover import HandoverNotice
from domain.invitations import InvitedChargePoint, InvitedProject
from domain.states import (
    AccessMode,
    ChargePointStatus,
    CheckName,
    CheckResult,
    ProjectStatus,
    RunStatus,
)
from storage.access import Access
from storage.connections import read_connections
from storage.dialects import among
from storage.features import Power
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit, ServiceVisitChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.rows import Rows
from storage.tariffs import Tariffs

_LISTED: Final = 50
_TAGS_NAMED: Final = 20
_installers = aliased(Account, name="installers")
_owners = aliased(Account, name="owners")


async def read_invited(
    connection: AsyncConnection, project_id: str, *, service_visit_id: str | None = None
) -> InvitedProject:
    """Read the project, who invites to it, and its first charge points: of a visit, that it has."""
    inviter = col(Project.installer_id) if service_visit_id is None else col(Project.site_owner_id)
    present = (col(ChargePoint.project_id) == project_id) & col(ChargePoint.withdrawn_at).is_(None)
    if service_visit_id is not None:
        present &= col(ChargePoint.id).in_(
            select(col(ServiceVisitChargePoint.charge_point_id)).where(
                col(ServiceVisitChargePoint.service_visit_id) == service_visit_id
            )
        )
    project = await Rows(connection).one(
        select(
            col(Project.name),
            col(Project.address),
            func.coalesce(col(Account.company), col(Account.name)).label("installer"),
        )
        .join(Account, col(Account.id) == inviter)
        .where(col(Project.id) == project_id)
    )
    count = await connection.scalar(select(func.count()).select_from(ChargePoint).where(present))
    rows = await Rows(connection).all(
        select(ChargePoint.__table__).where(present).order_by(col(ChargePoint.id)).limit(_LISTED)
    )
    uncharged = await _uncharged(connection, [row.id for row in rows])
    visit_ends_at = await Rows(connection).value(col(ServiceVisit.ends_at), service_visit_id)
    return InvitedProject(
        name=project.name,
        address=project.address,
        installer_name=project.installer,
        charge_point_count=count or 0,
        charge_points=tuple(
            InvitedChargePoint(
                serial_number=row.serial_number,
                device=device_name(row.vendor, row.model),
                place=row.location_address,
                status=ChargePointStatus(row.status),
                uncharged=row.id in uncharged,
            )
            for row in rows
        ),
        visit_ends_at=visit_ends_at,
    )


async def _uncharged(connection: AsyncConnection, identities: Sequence[str]) -> set[str]:
    """Charge points whose newest completed run has skipped the test charge."""
    newest = (
        select(func.max(col(CommissioningRun.id)))
        .where(among(connection, col(CommissioningRun.charge_point_id), identities))
        .where(col(CommissioningRun.status) == RunStatus.COMPLETED)
        .group_by(col(CommissioningRun.charge_point_id))
    )
    rows = await connection.execute(
        select(col(CommissioningRun.charge_point_id), col(CommissioningRun.view)).where(
            col(CommissioningRun.id).in_(newest)
        )
    )
    return {
        row.charge_point_id
        for row in rows
        for check in row.view.checks
        if check.name is CheckName.TEST_TRANSACTION and check.result is CheckResult.SKIPPED
    }


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
