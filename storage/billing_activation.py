"""Whether, and since when, a project bills; the owner pauses it and goes on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.states import Feature, ProjectStatus
from storage.audit import Audit
from storage.models.billing import BillingAccount, BillingPause, Tariff
from storage.models.projects import Project
from storage.read_models import read_model
from storage.rows import ProjectRepository


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingState:
    """A project's billing; ``paused_at`` while it is paused."""

    active_since: datetime
    paused_at: datetime | None


_state = read_model(BillingState)


class BillingActivation(ProjectRepository):
    """Repository of one project's billing."""

    async def activate(self, *, at: datetime) -> datetime | None:
        """Bill the transactions that begin from now on; returns since when. A repeat is harmless.

        None without a tariff: nothing can be billed, and nothing is.
        """
        if not await self._rows.count(Tariff, col(Tariff.project_id) == self._project_id):
            return None
        await self._rows.add_if_new(BillingAccount, project_id=self._project_id, active_since=at)
        return await self._rows.value(col(BillingAccount.active_since), self._project_id)

    async def begin(self, *, at: datetime) -> bool:
        """Bill from now on, if the project is handed over and has a tariff; tells whether it does.

        The handover asks for it, and so does every tariff that is set after it.
        """
        status = await self._rows.value(col(Project.status), self._project_id)
        return status == ProjectStatus.HANDED_OVER and await self.activate(at=at) is not None

    async def state(self) -> BillingState | None:
        """How billing stands; None where it was never activated."""
        return await self._rows.read(
            select(col(BillingAccount.active_since), col(BillingPause.paused_at))
            .outerjoin(
                BillingPause,
                (col(BillingPause.project_id) == col(BillingAccount.project_id))
                & col(BillingPause.resumed_at).is_(None),
            )
            .where(col(BillingAccount.project_id) == self._project_id),
            _state,
        )

    async def pause(self, *, at: datetime, by: Actor) -> BillingState:
        """Bill no transaction that begins from now on; one that runs is billed. Safe to repeat.

        Raises:
            ConflictError: ``billing_not_active``.

        """
        await self._rows.at(BillingAccount, self._project_id).lock()
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
        await self._rows.at(BillingAccount, self._project_id).lock()
        await self._active()
        paused = self._rows.those(
            BillingPause,
            col(BillingPause.project_id) == self._project_id,
            col(BillingPause.resumed_at).is_(None),
        )
        if await paused.set(resumed_at=at):
            await self._audit(AuditAction.FEATURE_RESUMED, by, at=at)
        return await self._active()

    async def bills(self, moment: datetime) -> bool:
        """Whether a transaction that began at that moment is billed."""
        state = await self.state()
        if state is None or moment < state.active_since:
            return False
        resumed_at = col(BillingPause.resumed_at)
        return not await self._rows.count(
            BillingPause,
            col(BillingPause.project_id) == self._project_id,
            col(BillingPause.paused_at) <= moment,
            or_(resumed_at.is_(None), resumed_at > moment),
        )

    async def _audit(self, action: AuditAction, by: Actor, *, at: datetime) -> None:
        await Audit(self._connection, self._project_id).write(
            action, by, target=Feature.BILLING, at=at
        )

    async def _active(self) -> BillingState:
        state = await self.state()
        if state is None:
            raise ConflictError(
                "billing_not_active",
                "The project does not bill yet: that begins with its handover.",
            )
        return state
