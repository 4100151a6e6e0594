"""The outbox of webhooks: a fact and its announcement are committed together, or neither is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.billing.held import HeldDocument
from domain.checks import RunView
from domain.contests import Contest
from domain.ids import Prefix, new_id
from domain.states import (
    DeliveryStatus,
    InvitationStatus,
    ProjectStatus,
    WebhookStatus,
)
from domain.webhooks import (
    EVENT_OF_INVITATION,
    EVENT_OF_VERDICT,
    WebhookEvent,
    body_of,
    contested_data,
    handed_over_data,
    held_data,
    invitation_data,
    verdict_data,
    visit_data,
)
from storage.dialects import at_once
from storage.members import works_on
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.webhooks import Webhook, WebhookDelivery
from storage.rows import Rows


async def announce_verdict(connection: AsyncConnection, view: RunView, *, at: datetime) -> None:
    """Announce the verdict of a run."""
    project = (
        select(col(CommissioningRun.project_id))
        .where(col(CommissioningRun.id) == view.commissioning_id)
        .scalar_subquery()
    )
    of_visit = exists().where(
        col(CommissioningRun.id) == view.commissioning_id,
        col(CommissioningRun.service_visit_id) == col(ServiceVisit.id),
        col(ServiceVisit.installer_id) == col(Webhook.account_id),
    )
    await _announce(
        connection,
        EVENT_OF_VERDICT[view.status],
        lambda project_id: verdict_data(view, project_id=project_id),
        project=project,
        at=at,
        # Who has handed a site over hears no more of it, but of the own service visit.
        whom=(_works_on() & (col(Project.status) != ProjectStatus.HANDED_OVER))
        | of_visit.correlate(Webhook)
        | _owns(),
    )


async def announce_handover(connection: AsyncConnection, project_id: str, *, at: datetime) -> None:
    """Announce that a project was handed over."""
    await _announce(
        connection,
        WebhookEvent.PROJECT_HANDED_OVER,
        lambda project: handed_over_data(project, at=at),
        project=project_id,
        at=at,
        whom=_works_on() | _owns(),
    )


async def announce_visit(
    connection: AsyncConnection, event: WebhookEvent, visit: ServiceVisit, *, at: datetime
) -> None:
    """Announce how a service visit stands, a row of it: to the owner, and to who has accepted."""
    await _announce(
        connection,
        event,
        lambda project: visit_data(
            project,
            service_visit_id=visit.id,
            status=visit.status,
            email=visit.email,
            ends_at=visit.ends_at,
            unfinished=visit.unfinished,
            reason=visit.reason,
        ),
        project=visit.project_id,
        at=at,
        whom=_owns() | (col(Webhook.account_id) == visit.installer_id),
    )


async def announce_held(
    connection: AsyncConnection,
    project_id: str,
    held_id: str,
    *,
    document: HeldDocument,
    at: datetime,
) -> None:
    """Announce that a record is held, to the site owner alone: it is the owner's money."""
    await _announce(
        connection,
        WebhookEvent.RECORD_HELD,
        lambda project: held_data(project, held_id, document),
        project=project_id,
        at=at,
        whom=_owns(),
    )


async def announce_contest(
    connection: AsyncConnection, charge_point_id: str, contest: Contest, *, at: datetime
) -> None:
    """Announce that several links speak as a charge point, to who is in charge of it."""
    project = (
        select(col(ChargePoint.project_id))
        .where(col(ChargePoint.id) == charge_point_id)
        .scalar_subquery()
    )
    is_handed_over = col(Project.status) == ProjectStatus.HANDED_OVER
    await _announce(
        connection,
        WebhookEvent.CHARGE_POINT_CONTESTED,
        lambda project_id: contested_data(project_id, charge_point_id, contest),
        project=project,
        at=at,
        whom=(_works_on() & ~is_handed_over) | (_owns() & is_handed_over),
    )


async def announce_invitation(
    connection: AsyncConnection,
    project_id: str,
    status: InvitationStatus,
    *,
    invitation_id: str,
    email: str,
    reason: str | None,
    at: datetime,
) -> None:
    """Announce that an invitation was accepted or declined, or has expired."""
    await _announce(
        connection,
        EVENT_OF_INVITATION[status],
        lambda project: invitation_data(
            project, invitation_id=invitation_id, email=email, reason=reason
        ),
        project=project_id,
        at=at,
        whom=_works_on(),
    )


def _works_on() -> ColumnElement[bool]:
    return works_on(col(Project.id), col(Webhook.account_id)).correlate(Project, Webhook)


def _owns() -> ColumnElement[bool]:
    return col(Project.site_owner_id) == col(Webhook.account_id)


async def _announce(
    connection: AsyncConnection,
    event: WebhookEvent,
    data: Callable[[str], Mapping[str, Any]],
    *,
    project: str | ScalarSelect[Any],
    at: datetime,
    whom: ColumnElement[bool],
) -> None:
    """Write a delivery for each webhook of these people that wants it, if there is one."""
    rows = await Rows(connection).all(
        select(Webhook.__table__, col(Project.id).label("project_id"))
        .select_from(Webhook)
        .join(Project, whom)
        .where(col(Project.id) == project, col(Webhook.status) == WebhookStatus.ENABLED)
    )
    wanted = [row for row in rows if event in row.events]
    if wanted:
        body = body_of(event, data(wanted[0].project_id), at=at)
        await write_deliveries(connection, [row.id for row in wanted], event, body, at=at)


async def write_deliveries(
    connection: AsyncConnection,
    webhook_ids: Sequence[str],
    event: WebhookEvent,
    body: str,
    *,
    at: datetime,
) -> list[str]:
    """Write the deliveries of one event; returns their ids."""
    event_id = new_id(Prefix.EVENT)
    rows = [
        {
            "id": new_id(Prefix.DELIVERY),
            "webhook_id": webhook_id,
            "event_id": event_id,
            "event": event,
            "body": body,
            "status": DeliveryStatus.PENDING,
            "created_at": at,
        }
        for webhook_id in webhook_ids
    ]
    await connection.execute(at_once(connection, insert(WebhookDelivery)), rows)
    return [str(row["id"]) for row in rows]
