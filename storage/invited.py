"""What an invited owner reads of the project, in the mail and on the page."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.devices import device_name
from domain.invitations import InvitedChargePoint, InvitedProject
from domain.states import ChargePointStatus, CheckName, CheckResult, RunStatus
from storage.dialects import among
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit, ServiceVisitChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.rows import Rows

_LISTED: Final = 50


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
