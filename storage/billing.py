"""Whether, and since when, a project bills; the owner pauses it and goes on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.states import Feature, ProjectStatus
from storage.audit import Audit
from storage.dialects import conflict_insert
from storage.models.billing import BillingAccount, BillingPause, Tariff
from storage.models.projects import Project
from storage.rows import ProjectRepository


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingState:
    """A project's billing; ``paused_at`` while it is paused."""

    active_since: datetime
    paused_at: datetime | None


class Billing(ProjectRepository):
    """Repository of one project's billing."""

    async def activate(self, *, at: datetime) -> datetime | None:
        """Bill the transactions that begin from now on; returns since when. A repeat is harmless.

        None without a tariff: nothing can be billed, and nothing is.
        """
        priced = await self._connection.scalar(
            select(func.count())
            .select_from(Tariff)
            .where(col(Tariff.project_id) == self._project_id)
        )
        if not priced:
            return None
        await self._connection.execute(
            conflict_insert(self._connection, BillingAccount)
            .values(project_id=self._project_id, active_since=at)
            .on_conflict_do_nothing()
        )
        since: datetime = (
            await self._connection.scalars(
                select(col(BillingAccount.active_since)).where(
                    col(BillingAccount.project_id) == self._project_id
                )
            )
        ).one()
        return since

    async def begin(self, *, at: datetime) -> bool:
        """Bill from now on, if the project is handed over and has a tariff; tells whether it does.

        The handover asks for it, and so does every tariff that is set after it.
        """
        status = await self._rows.value(col(Project.status), self._project_id)
        return status == ProjectStatus.HANDED_OVER and await self.activate(at=at) is not None

    async def state(self) -> BillingState | None:
        """How billing stands; None where it was never activated."""
        row = await self._rows.find(
            select(col(BillingAccount.active_since), col(BillingPause.paused_at))
            .select_from(
                BillingAccount.__table__.outerjoin(
                    BillingPause,
                    (col(BillingPause.project_id) == col(BillingAccount.project_id))
                    & col(BillingPause.resumed_at).is_(None),
                )
            )
            .where(col(BillingAccount.project_id) == self._project_id)
        )
        if row is None:
            return None
        return BillingState(active_since=row.active_since, paused_at=row.paused_at)

    async def pause(self, *, at: datetime, by: Actor) -> BillingState:
        """Bill no transaction that begins from now on; one that runs is billed. Safe to repeat.

        Raises:
            ConflictError: ``billing_not_active``.

        """
        await self._locked()
        state = await self._active()
        if state.paused_at is None:
            await self._rows.add(
                BillingPause, project_id=self._project_id, paused_at=at, paused_by=by.account_id
            )
            await self._audit(AuditAction.FEATURE_PAUSED, by, at=at)
        return await self._active()

    async def resume(self, *, at: datetime, by: Actor) -> BillingState:
        """Bill again what begins from now on. Safe to repeat.

        Raises:
            ConflictError: ``billing_not_active``.

        """
        await self._locked()
        await self._active()
        resumed = await self._connection.execute(
            update(BillingPause)
            .where(col(BillingPause.project_id) == self._project_id)
            .where(col(BillingPause.resumed_at).is_(None))
            .values(resumed_at=at)
        )
        if resumed.rowcount > 0:
            await self._audit(AuditAction.FEATURE_RESUMED, by, at=at)
        return await self._active()

    async def bills(self, moment: datetime) -> bool:
        """Whether a transaction that began at that moment is billed."""
        state = await self.state()
        if state is None or moment < state.active_since:
            return False
        paused = await self._connection.scalar(
            select(func.count())
            .select_from(BillingPause)
            .where(col(BillingPause.project_id) == self._project_id)
            .where(col(BillingPause.paused_at) <= moment)
            .where(
                or_(col(BillingPause.resumed_at).is_(None), col(BillingPause.resumed_at) > moment)
            )
        )
        return not paused

    async def _audit(self, action: AuditAction, by: Actor, *, at: datetime) -> None:
        await Audit(self._connection, self._project_id).write(
            action, by, target=Feature.BILLING, at=at
        )

    async def _locked(self) -> None:
        await self._connection.execute(
            select(BillingAccount.__table__)
            .where(col(BillingAccount.project_id) == self._project_id)
            .with_for_update()
        )

    async def _active(self) -> BillingState:
        state = await self.state()
        if state is None:
            raise ConflictError(
                "billing_not_active",
                "The project does not bill yet: that begins with its handover.",
            )
        return state
