"""The audit trail of projects: written with the change that it tells of, never edited.

There is no way here to change or to remove an entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ScalarSelect, and_, literal, not_, select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.states import Role
from storage.models.accounts import Account
from storage.models.projects import AuditEntry as AuditEntryRow
from storage.read_models import read_model
from storage.rows import ProjectRepository
from storage.visiting import newest_visit

_OF_TAGS: Final = [action for action in AuditAction if action.is_of_tags]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One entry. ``target`` is an id; ``before`` and ``after`` hold what the action changed."""

    id: int
    at: datetime
    action: AuditAction
    actor: Actor
    target: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    service_visit_id: str | None = None
    """In which its installer has done it."""


_entry = read_model(AuditEntry, "actor")


class Audit(ProjectRepository):
    """Repository of one project's trail."""

    async def write(
        self,
        action: AuditAction,
        actor: Actor,
        *,
        target: str,
        at: datetime,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Add an entry, in the transaction of the change. Nothing secret belongs into it.

        Of one ``key`` there is one entry, however often it is written; of a change that changes
        nothing there is none.
        """
        if action.is_change and before == after:
            return
        await self._rows.add_if_new(
            AuditEntryRow,
            actor,
            project_id=self._project_id,
            at=at,
            action=action,
            email=_email(actor),
            target=target,
            before=before,
            after=after,
            entry_key=key,
            service_visit_id=newest_visit(literal(self._project_id), actor.account_id)
            if actor.account_id is not None
            else None,
        )

    async def page(self, *, before: int | None, limit: int, reader: Role) -> Sequence[AuditEntry]:
        """Entries, newest first, older than the number ``before``.

        An installer reads none about the owner's own id tags, which no list shows it either.
        """
        query = self._mine(AuditEntryRow)
        if reader is Role.INSTALLER:
            of_owner = col(AuditEntryRow.role) == Role.SITE_OWNER
            query = query.where(not_(and_(of_owner, col(AuditEntryRow.action).in_(_OF_TAGS))))
        return await self._rows.read_newest(
            query, _entry, key=col(AuditEntryRow.id), before=before, limit=limit
        )


def _email(actor: Actor) -> str | ScalarSelect[str] | None:
    if actor.email is not None or actor.account_id is None:
        return actor.email
    return select(col(Account.email)).where(col(Account.id) == actor.account_id).scalar_subquery()
