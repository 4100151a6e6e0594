"""Deleting an account: what stands in the way, and what is taken out.

Its row stays, for many others point to it, and says nothing of a person any more.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Table, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletion import InTheWay
from domain.rules.numbers import counted
from domain.states import BatchStatus, ProjectStatus, Role, RunStatus, ServiceVisitStatus
from storage.accounts import Account
from storage.tables import (
    account_events,
    account_letters,
    account_sessions,
    accounts,
    awaited_tags,
    batches,
    charge_points,
    commissioning_runs,
    held_records,
    invitations,
    kept_answers,
    mail_blocks,
    mail_notices,
    project_members,
    projects,
    service_visits,
    webhook_attempts,
    webhook_deliveries,
    webhooks,
)

_RUNS: Final = (RunStatus.STARTING, RunStatus.IN_PROGRESS)
_BATCHES: Final = (BatchStatus.STARTING, BatchStatus.IN_PROGRESS)
_VISITS: Final = tuple(status for status in ServiceVisitStatus if status.is_running)
_NAMED: Final = 20
GOES: Final[Sequence[Table]] = (
    project_members,
    webhooks,
    kept_answers,
    mail_notices,
    mail_blocks,
    account_sessions,
    account_events,
)
"""Rows that are the account's own, and go with it."""


class AccountDeletion:
    """Deletes accounts; whoever calls it has proven the password."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_the_way(self, account: Account) -> Sequence[InTheWay]:
        """What has to be ended or handed on first; the account is locked."""
        await self._connection.execute(
            select(accounts.c.id).where(accounts.c.id == account.id).with_for_update()
        )
        if account.role is Role.INSTALLER:
            return [
                *await self._open_runs(account.id),
                *await self._open_projects(account.id),
                *await self._visits(service_visits.c.installer_id == account.id),
            ]
        return [
            *await self._unfinished_handovers(account.id),
            *await self._live_sites(account.id),
            *await self._visits(service_visits.c.opened_by == account.id),
        ]

    async def delete(self, account: Account, *, password_hash: str, at: datetime) -> None:
        """Take the person out of the account; ``password_hash`` is of what nobody knows."""
        mine = select(webhooks.c.id).where(webhooks.c.account_id == account.id)
        deliveries = select(webhook_deliveries.c.id).where(
            webhook_deliveries.c.webhook_id.in_(mine)
        )
        await self._connection.execute(
            delete(webhook_attempts).where(webhook_attempts.c.delivery_id.in_(deliveries))
        )
        await self._connection.execute(
            delete(webhook_deliveries).where(webhook_deliveries.c.webhook_id.in_(mine))
        )
        for table in GOES:
            await self._connection.execute(delete(table).where(table.c.account_id == account.id))
        await self._connection.execute(
            delete(account_letters)
            .where(account_letters.c.role == account.role)
            .where(account_letters.c.email == account.email)
        )
        await self._connection.execute(
            delete(awaited_tags).where(awaited_tags.c.asked_by == account.id)
        )
        # Nobody waits any more to hear how these ended, and what waits for a word is on the site.
        await self._connection.execute(
            update(invitations)
            .where(invitations.c.invited_by == account.id)
            .where(invitations.c.told_at.is_(None))
            .values(told_at=at)
        )
        sites = select(projects.c.id).where(projects.c.site_owner_id == account.id)
        await self._connection.execute(
            update(held_records)
            .where(held_records.c.project_id.in_(sites))
            .where(held_records.c.mailed_at.is_(None))
            .values(mailed_at=at)
        )
        gone = f"{account.id.lower()}@deleted.invalid"
        await self._connection.execute(
            update(accounts)
            .where(accounts.c.id == account.id)
            .values(
                email=gone,
                name="Deleted account",
                company=None,
                password_hash=password_hash,
                token_epoch=accounts.c.token_epoch + 1,  # its tokens are void
                verified_at=None,
                deleted_at=at,
            )
        )
        await self._connection.execute(
            update(projects)
            .where(projects.c.site_owner_id == account.id)
            .values(site_owner_email=gone)
        )

    async def _open_runs(self, account_id: str) -> list[InTheWay]:
        rows = await self._connection.execute(
            select(commissioning_runs.c.project_id, commissioning_runs.c.charge_point_id)
            .join(projects, projects.c.id == commissioning_runs.c.project_id)
            .where(commissioning_runs.c.status.in_(_RUNS))
            .where(
                (projects.c.installer_id == account_id)
                | exists().where(
                    service_visits.c.id == commissioning_runs.c.service_visit_id,
                    service_visits.c.installer_id == account_id,
                )
            )
            .order_by(commissioning_runs.c.id)
            .limit(_NAMED)
        )
        found = [
            InTheWay(
                code="run_open",
                detail=f"A run is open for {row.charge_point_id}: wait for its verdict, or cancel "
                "it with POST …/cancel.",
                project_id=row.project_id,
            )
            for row in rows
        ]
        open_batches = await self._connection.scalars(
            select(batches.c.project_id)
            .join(projects, projects.c.id == batches.c.project_id)
            .where(projects.c.installer_id == account_id)
            .where(batches.c.status.in_(_BATCHES))
            .limit(_NAMED)
        )
        return found + [
            InTheWay(
                code="run_open",
                detail="The project is being commissioned as a whole: wait for the end, or cancel "
                "it with POST …/commissioning/cancel.",
                project_id=project_id,
            )
            for project_id in open_batches
        ]

    async def _open_projects(self, account_id: str) -> list[InTheWay]:
        rows = await self._connection.execute(
            select(projects.c.id, projects.c.site_owner_id)
            .join(project_members, project_members.c.project_id == projects.c.id)
            .where(project_members.c.account_id == account_id)
            .where(projects.c.installer_id == account_id)
            .where(projects.c.status == ProjectStatus.IN_PROGRESS)
            .where(projects.c.archived_at.is_(None))
            .order_by(projects.c.id)
            .limit(_NAMED)
        )
        return [
            InTheWay(
                code="project_open",
                detail=(
                    "You have made the project and it is under way: archive it with "
                    "POST …/archive, or remove it if there is nothing in it."
                )
                if row.site_owner_id is None
                else (
                    "The site is being handed over: complete that with POST …/complete-handover, "
                    "or revoke the owner's invitation and archive the project."
                ),
                project_id=row.id,
            )
            for row in rows
        ]

    async def _visits(self, whose: object) -> list[InTheWay]:
        rows = await self._connection.execute(
            select(service_visits.c.id, service_visits.c.project_id)
            .where(whose)  # type: ignore[arg-type]
            .where(service_visits.c.status.in_(_VISITS))
            .order_by(service_visits.c.id)
            .limit(_NAMED)
        )
        return [
            InTheWay(
                code="service_visit_open",
                detail=f"Service visit {row.id} is open: its installer signs it off, or its owner "
                "closes it, with POST …/close.",
                project_id=row.project_id,
            )
            for row in rows
        ]

    async def _unfinished_handovers(self, account_id: str) -> list[InTheWay]:
        rows = await self._connection.scalars(
            select(projects.c.id)
            .where(projects.c.site_owner_id == account_id)
            .where(projects.c.status == ProjectStatus.IN_PROGRESS)
            .where(projects.c.archived_at.is_(None))
            .order_by(projects.c.id)
            .limit(_NAMED)
        )
        return [
            InTheWay(
                code="handover_open",
                detail="The site is being handed over to you: ask its installer to revoke your "
                "invitation, or to complete the handover.",
                project_id=project_id,
            )
            for project_id in rows
        ]

    async def _live_sites(self, account_id: str) -> list[InTheWay]:
        rows = await self._connection.execute(
            select(projects.c.id, func.count().label("in_use"))
            .join(charge_points, charge_points.c.project_id == projects.c.id)
            .where(projects.c.site_owner_id == account_id)
            .where(projects.c.status == ProjectStatus.HANDED_OVER)
            .where(charge_points.c.withdrawn_at.is_(None))
            .group_by(projects.c.id)
            .order_by(projects.c.id)
            .limit(_NAMED)
        )
        return [
            InTheWay(
                code="site_live",
                detail=f"{counted(row.in_use, 'charge point')} of your site can charge, and "
                "somebody has to answer for that: open a service visit with POST …/service-visits "
                "and have the installer withdraw them with POST …/withdraw.",
                project_id=row.id,
            )
            for row in rows
        ]
