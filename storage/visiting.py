"""What a service visit opens after the handover, as predicates: while it is open, and no longer.

The database's clock says whether its time is over, so that every process says the same.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import ForbiddenError
from domain.states import ServiceVisitStatus
from storage.clock import database_now
from storage.models.invitations import ServiceVisit, ServiceVisitChargePoint
from storage.models.projects import ProjectMember


def is_open() -> ColumnElement[bool]:
    """Predicate of a service visit: its installer may do something now."""
    return (col(ServiceVisit.status) == ServiceVisitStatus.OPEN) & (
        col(ServiceVisit.ends_at) > database_now()
    )


def newest_visit(
    project_id: SQLColumnExpression[str], account_id: SQLColumnExpression[str] | str
) -> ScalarSelect[Any]:
    """Id of the newest open service visit of the account in that project; null: none is open."""
    return (
        select(func.max(col(ServiceVisit.id)))
        .where(col(ServiceVisit.project_id) == project_id)
        .where(col(ServiceVisit.installer_id) == account_id, is_open())
        .scalar_subquery()
    )


def in_visit(
    charge_point_id: SQLColumnExpression[str], account_id: SQLColumnExpression[str] | str
) -> ColumnElement[bool]:
    """Predicate: an open service visit of the account has the charge point of that column."""
    visited = (
        select(col(ServiceVisitChargePoint.charge_point_id))
        .join(ServiceVisit, col(ServiceVisitChargePoint.service_visit_id) == col(ServiceVisit.id))
        .where(col(ServiceVisit.installer_id) == account_id, is_open())
    )
    return charge_point_id.in_(visited)


def is_project_of(project_id: SQLColumnExpression[str], account_id: str) -> ColumnElement[bool]:
    """Predicate: the account works on that project, or has an open service visit in it.

    It begins with the account, whose projects are few, and not with all projects that there are.
    """
    return project_id.in_(
        union_all(
            select(col(ProjectMember.project_id)).where(
                col(ProjectMember.account_id) == account_id
            ),
            select(col(ServiceVisit.project_id))
            .where(col(ServiceVisit.installer_id) == account_id)
            .where(is_open()),
        )
    )


async def has_visit(connection: AsyncConnection, project_id: str, account_id: str) -> bool:
    """Tell whether a service visit of the account to the project is open."""
    query = select(newest_visit(literal(project_id), account_id))
    return await connection.scalar(query) is not None


def visit_of(charge_point_id: SQLColumnExpression[str] | str) -> Select[Any]:
    """The open service visit of a charge point: there is one at most."""
    return (
        select(ServiceVisit.__table__)
        .join(
            ServiceVisitChargePoint,
            col(ServiceVisitChargePoint.service_visit_id) == col(ServiceVisit.id),
        )
        .where(col(ServiceVisitChargePoint.charge_point_id) == charge_point_id, is_open())
    )


async def refuse_outside_visit(
    connection: AsyncConnection,
    charge_point_id: str,
    *,
    serial_number: str,
    project_id: str,
    installer_id: str,
    service_visit_id: str,
) -> None:
    """Refuse a charge point that the installer's service visit does not have.

    Raises:
        ForbiddenError: ``outside_service_visit``.

    """
    if await connection.scalar(select(in_visit(literal(charge_point_id), installer_id))):
        return
    raise ForbiddenError(
        "outside_service_visit",
        f"Charge point {serial_number} is not in your service visit {service_visit_id}. Ask the "
        "site owner to add it, with PATCH "
        f"…/site-owner/projects/{project_id}/service-visits/{service_visit_id} and its id, "
        f"{charge_point_id}, in `add_charge_points`.",
    )
