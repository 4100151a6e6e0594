"""Endpoints of the audit trail."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import (
    InstallerCall,
    OwnerCall,
    ProjectId,
)
from api.fields import PreciseTimestamp, example
from api.pagination import Page, Paging
from api.parts import Parts
from domain.audit import AuditAction
from domain.states import Role
from storage.audit import Audit, AuditEntry
from storage.projects import Projects

router = APIRouter(tags=["Handover"])


class AuditShown(BaseModel):
    """Who did what, when, from where."""

    model_config = example(
        at="2026-05-01T09:05:00.120Z",
        action="project.changed",
        email="installer@acme.com",
        role="installer",
        address="203.0.113.7",
        target="prj_01HX4M7TABCDE12345",
        before={"name": "Riverside"},
        after={"name": "Riverside Business Park"},
    )

    at: PreciseTimestamp
    action: AuditAction
    email: str | None = Field(description="Who; null for what happens by itself, and for operators")
    role: str = Field(description="`installer`, `site_owner`, `operator` or `engine`")
    address: str | None = Field(description="From where, as the API sees it")
    target: str = Field(description="Id of what it was done to")
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    service_visit_id: str | None = Field(
        description="The service visit in which it was done; null: in none"
    )

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditShown":
        """Show an entry."""
        return cls(
            at=entry.at,
            action=entry.action,
            email=entry.actor.email,
            role=entry.actor.role,
            address=entry.actor.address,
            target=entry.target,
            before=entry.before,
            after=entry.after,
            service_visit_id=entry.service_visit_id,
        )


@router.get(
    "/installer/projects/{project_id}/audit",
    summary="Read the audit trail",
    operation_id="getAudit",
)
async def audit(call: InstallerCall, project_id: ProjectId, paging: Paging) -> Page[AuditShown]:
    """What was done to the project, by whom and from where, newest first. Nothing is edited."""
    async with call.read() as connection:
        await Projects(connection).get(project_id, installer_id=call.account.id)
    return await _page(call.parts, project_id, paging, Role.INSTALLER)


@router.get(
    "/site-owner/projects/{project_id}/audit",
    summary="Read the audit trail of my project",
    operation_id="getOwnedAudit",
)
async def owned_audit(call: OwnerCall, project_id: ProjectId, paging: Paging) -> Page[AuditShown]:
    """What was done to the project, by whom and from where, newest first. Nothing is edited."""
    async with call.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=call.account.id)
    return await _page(call.parts, project_id, paging, Role.SITE_OWNER)


async def _page(parts: Parts, project_id: str, paging: Paging, reader: Role) -> Page[AuditShown]:
    async with parts.database.read() as connection:
        rows = await Audit(connection, project_id).page(
            before=paging.after_number(), limit=paging.fetch, reader=reader
        )
    return paging.page(rows, AuditShown.of, lambda entry: str(entry.id))
