"""Deleting an account: what stands in the way, and what is taken out.

Its row stays, for many others point to it, and says nothing of a person any more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVarTuple

from sqlalchemy import ColumnElement, Select, Table, delete, exists, func, select
from sqlmodel import col

from domain.deletion import InTheWay
from domain.rules.numbers import counted
from domain.states import ProjectStatus, Role, ServiceVisitStatus
from storage.batches import OPEN
from storage.models.accounts import (
    Account,
    AccountEventRow,
    AccountLetter,
    AccountSession,
    KeptAnswer,
)
from storage.models.billing import HeldRecord
from storage.models.charge_points import AwaitedTag, ChargePoint
from storage.models.invitations import Invitation, ServiceVisit
from storage.models.mail import MailBlock, MailNotice
from storage.models.projects import Project, ProjectMember
from storage.models.runs import Batch, CommissioningRun
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from storage.rows import AnyRow, Repository
from storage.run_queries import is_open

_VISITS: Final = tuple(status for status in ServiceVisitStatus if status.is_running)
_NAMED: Final = 20
Ts = TypeVarTuple("Ts")
GOES: Final[Sequence[Table]] = (
    ProjectMember.__table__,
    Webhook.__table__,
    KeptAnswer.__table__,
    MailNotice.__table__,
    MailBlock.__table__,
    AccountSession.__table__,
    AccountEventRow.__table__,
)
"""Rows that are the account's own, and go with it."""


class AccountDeletion(Repository):
    """Deletes accounts; whoever calls it has proven the password."""

    async def in_the_way(self, account: Account) -> Sequence[InTheWay]:
        """What has to be ended or handed on first; the account is locked."""
        await self._rows.at(Account, account.id).lock()
        if account.role is Role.INSTALLER:
            return [
                *await self._open_runs(account.id),
                *await self._open_projects(account.id),
                *await self._visits(col(ServiceVisit.installer_id) == account.id),
            ]
        return [
            *await self._unfinished_handovers(account.id),
            *await self._live_sites(account.id),
            *await self._visits(col(ServiceVisit.opened_by) == account.id),
        ]

    async def delete(self, account: Account, *, password_hash: str, at: datetime) -> None:
        """Take the person out of the account; ``password_hash`` is of what nobody knows."""
        mine = select(col(Webhook.id)).where(col(Webhook.account_id) == account.id)
        of_mine = col(WebhookDelivery.webhook_id).in_(mine)
        deliveries = select(col(WebhookDelivery.id)).where(of_mine)
        those = self._rows.those(WebhookAttempt, col(WebhookAttempt.delivery_id).in_(deliveries))
        await those.remove()
        await self._rows.those(WebhookDelivery, of_mine).remove()
        for table in GOES:
            await self._connection.execute(delete(table).where(table.c.account_id == account.id))
        to_it = (col(AccountLetter.role) == account.role, col(AccountLetter.email) == account.email)
        await self._rows.those(AccountLetter, *to_it).remove()
        await self._rows.those(AwaitedTag, col(AwaitedTag.asked_by) == account.id).remove()
        # Nobody waits any more to hear how these ended, and what waits for a word is on the site.
        those = self._rows.those(
            Invitation, col(Invitation.invited_by) == account.id, col(Invitation.told_at).is_(None)
        )
        await those.set(told_at=at)
        sites = select(col(Project.id)).where(col(Project.site_owner_id) == account.id)
        those = self._rows.those(
            HeldRecord, col(HeldRecord.project_id).in_(sites), col(HeldRecord.mailed_at).is_(None)
        )
        await those.set(mailed_at=at)
        gone = f"{account.id.lower()}@deleted.invalid"
        await self._rows.at(Account, account.id).set(
            email=gone,
            name="Deleted account",
            company=None,
            password_hash=password_hash,
            token_epoch=col(Account.token_epoch) + 1,  # its tokens are void
            verified_at=None,
            deleted_at=at,
        )
        those = self._rows.those(Project, col(Project.site_owner_id) == account.id)
        await those.set(site_owner_email=gone)

    async def _open_runs(self, account_id: str) -> list[InTheWay]:
        of_visit = exists().where(
            col(ServiceVisit.id) == col(CommissioningRun.service_visit_id),
            col(ServiceVisit.installer_id) == account_id,
        )
        runs = await self._named(
            "run_open",
            select(col(CommissioningRun.project_id), col(CommissioningRun.charge_point_id))
            .join(Project, col(Project.id) == col(CommissioningRun.project_id))
            .where(is_open(), (col(Project.installer_id) == account_id) | of_visit)
            .order_by(col(CommissioningRun.id)),
            lambda row: (
                f"A run is open for {row.charge_point_id}: wait for its verdict, or cancel "
                "it with POST …/cancel."
            ),
        )
        return runs + await self._named(
            "run_open",
            select(col(Batch.project_id))
            .join(Project, col(Project.id) == col(Batch.project_id))
            .where(col(Project.installer_id) == account_id, col(Batch.status).in_(OPEN)),
            lambda _: (
                "The project is being commissioned as a whole: wait for the end, or cancel "
                "it with POST …/commissioning/cancel."
            ),
        )

    async def _open_projects(self, account_id: str) -> list[InTheWay]:
        return await self._named(
            "project_open",
            select(col(Project.id).label("project_id"), col(Project.site_owner_id))
            .join(ProjectMember, col(ProjectMember.project_id) == col(Project.id))
            .where(col(ProjectMember.account_id) == account_id, _is_under_way())
            .where(col(Project.installer_id) == account_id)
            .order_by(col(Project.id)),
            lambda row: (
                (
                    "You have made the project and it is under way: archive it with "
                    "POST …/archive, or remove it if there is nothing in it."
                )
                if row.site_owner_id is None
                else (
                    "The site is being handed over: complete that with POST …/complete-handover, "
                    "or revoke the owner's invitation and archive the project."
                )
            ),
        )

    async def _visits(self, whose: ColumnElement[bool]) -> list[InTheWay]:
        return await self._named(
            "service_visit_open",
            select(col(ServiceVisit.id), col(ServiceVisit.project_id))
            .where(whose, col(ServiceVisit.status).in_(_VISITS))
            .order_by(col(ServiceVisit.id)),
            lambda row: (
                f"Service visit {row.id} is open: its installer signs it off, or its owner "
                "closes it, with POST …/close."
            ),
        )

    async def _unfinished_handovers(self, account_id: str) -> list[InTheWay]:
        return await self._named(
            "handover_open",
            select(col(Project.id).label("project_id"))
            .where(col(Project.site_owner_id) == account_id, _is_under_way())
            .order_by(col(Project.id)),
            lambda _: (
                "The site is being handed over to you: ask its installer to revoke your "
                "invitation, or to complete the handover."
            ),
        )

    async def _live_sites(self, account_id: str) -> list[InTheWay]:
        return await self._named(
            "site_live",
            select(col(Project.id).label("project_id"), func.count().label("in_use"))
            .join(ChargePoint, col(ChargePoint.project_id) == col(Project.id))
            .where(col(Project.site_owner_id) == account_id)
            .where(col(Project.status) == ProjectStatus.HANDED_OVER)
            .where(col(ChargePoint.withdrawn_at).is_(None))
            .group_by(col(Project.id))
            .order_by(col(Project.id)),
            lambda row: (
                f"{counted(row.in_use, 'charge point')} of your site can charge, and "
                "somebody has to answer for that: open a service visit with POST …/service-visits "
                "and have the installer withdraw them with POST …/withdraw."
            ),
        )

    async def _named(
        self, code: str, query: Select[*Ts], say: Callable[[AnyRow], str]
    ) -> list[InTheWay]:
        """Name the first rows of a query, each with its ``project_id``."""

        def name(row: AnyRow) -> InTheWay:
            return InTheWay(code=code, detail=say(row), project_id=row.project_id)

        return await self._rows.read_all(query.limit(_NAMED), name)


def _is_under_way() -> ColumnElement[bool]:
    return (col(Project.status) == ProjectStatus.IN_PROGRESS) & col(Project.archived_at).is_(None)
