"""In whose name the statements of a project are, and since when."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.billing.statement import Issuer
from storage.audit import Audit
from storage.models.accounts import Account
from storage.models.billing import BillingIssuer
from storage.models.projects import Project
from storage.read_models import read_model
from storage.rows import ProjectRepository

_issuer = read_model(Issuer)


class Issuers(ProjectRepository):
    """Repository of one project's issuers."""

    async def put(self, issuer: Issuer, *, by: Actor, at: datetime) -> None:
        """Let statements be in this name from now on; a repeat changes nothing."""
        await self._rows.at(Project, self._project_id).lock()
        stored = await self._stored(at)
        if stored == issuer:
            return
        await self._rows.add(BillingIssuer, issuer, project_id=self._project_id, valid_from=at)
        await Audit(self._connection, self._project_id).write(
            AuditAction.ISSUER_CHANGED,
            by,
            target=self._project_id,
            at=at,
            before=None if stored is None else asdict(stored),
            after=asdict(issuer),
        )

    async def valid_at(self, moment: datetime) -> Issuer:
        """The one of that moment; where the owner has said none it is the owner's account."""
        stored = await self._stored(moment)
        if stored is not None:
            return stored
        row = await self._rows.one(
            select(col(Account.name), col(Account.company))
            .join(Project, col(Project.site_owner_id) == col(Account.id))
            .where(col(Project.id) == self._project_id)
        )
        return Issuer(name=row.company or row.name)

    async def _stored(self, moment: datetime) -> Issuer | None:
        return await self._rows.read(
            self._mine(BillingIssuer)
            .where(col(BillingIssuer.valid_from) <= moment)
            .order_by(col(BillingIssuer.valid_from).desc(), col(BillingIssuer.id).desc())
            .limit(1),
            _issuer,
        )
