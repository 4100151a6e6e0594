"""What an invited owner reads of the project, in the mail and on the page."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.devices import device_name
from domain.invitations import InvitedChargePoint, InvitedProject
from domain.states import ChargePointStatus, CheckName, CheckResult, RunStatus
from storage.dialects import among
from storage.runs import view_of
from storage.tables import (
    accounts,
    charge_points,
    commissioning_runs,
    projects,
    service_visit_charge_points,
    service_visits,
)

_LISTED: Final = 50


async def read_invited(
    connection: AsyncConnection, project_id: str, *, service_visit_id: str | None = None
) -> InvitedProject:
    """Read the project, who invites to it, and its first charge points: of a visit, that it has."""
    inviter = projects.c.installer_id if service_visit_id is None else projects.c.site_owner_id
    present = (charge_points.c.project_id == project_id) & charge_points.c.withdrawn_at.is_(None)
    if service_visit_id is not None:
        present &= charge_points.c.id.in_(
            select(service_visit_charge_points.c.charge_point_id).where(
                service_visit_charge_points.c.service_visit_id == service_visit_id
            )
        )
    project = (
        await connection.execute(
            select(
                projects.c.name,
                projects.c.address,
                func.coalesce(accounts.c.company, accounts.c.name).label("installer"),
            )
            .join(accounts, accounts.c.id == inviter)
            .where(projects.c.id == project_id)
        )
    ).one()
    count = await connection.scalar(select(func.count()).select_from(charge_points).where(present))
    rows = (
        await connection.execute(
            select(charge_points).where(present).order_by(charge_points.c.id).limit(_LISTED)
        )
    ).all()
    uncharged = await _uncharged(connection, [row.id for row in rows])
    visit_ends_at = await connection.scalar(
        select(service_visits.c.ends_at).where(service_visits.c.id == service_visit_id)
    )
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
        select(func.max(commissioning_runs.c.id))
        .where(among(connection, commissioning_runs.c.charge_point_id, identities))
        .where(commissioning_runs.c.status == RunStatus.COMPLETED)
        .group_by(commissioning_runs.c.charge_point_id)
    )
    rows = await connection.execute(
        select(commissioning_runs.c.charge_point_id, commissioning_runs.c.view).where(
            commissioning_runs.c.id.in_(newest)
        )
    )
    return {
        row.charge_point_id
        for row in rows
        for check in view_of(row.view).checks
        if check.name is CheckName.TEST_TRANSACTION and check.result is CheckResult.SKIPPED
    }
