"""The audit trail of a project, for its installer and its owner."""

from collections.abc import Mapping
from typing import Any, Self

from fastapi import APIRouter
from pydantic import Field

from api.deps import ONLY, AnyCall, ProjectId
from api.fields import PreciseTimestamp, Shown, example
from api.pagination import Page, Paging
from domain.audit import AuditAction
from domain.states import Role
from storage.audit import Audit, AuditEntry

router = APIRouter(tags=["Handover"])


class AuditShown(Shown):
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
    def of(cls, it: AuditEntry, **others: Any) -> Self:
        """Show an entry."""
        by = it.actor
        return super().of(it, email=by.email, role=by.role, address=by.address, **others)


@router.get(
    "/site-owner/projects/{project_id}/audit",
    summary="Read the audit trail of my project",
    operation_id="getOwnedAudit",
    dependencies=ONLY[Role.SITE_OWNER],
)
@router.get(
    "/installer/projects/{project_id}/audit",
    summary="Read the audit trail",
    operation_id="getAudit",
    dependencies=ONLY[Role.INSTALLER],
)
async def audit(call: AnyCall, project_id: ProjectId, paging: Paging) -> Page[AuditShown]:
    """What was done to the project, by whom and from where, newest first. Nothing is edited."""
    async with call.read(project=project_id) as connection:
        rows = await Audit(connection, project_id).page(
            before=paging.after_number(), limit=paging.fetch, reader=call.account.role
        )
    return paging.page(rows, AuditShown.of, lambda entry: str(entry.id))
