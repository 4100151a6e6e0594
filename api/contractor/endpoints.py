"""Endpoints of the company that did the work. A change makes the next certificate another."""

from typing import Any

from fastapi import APIRouter

from api.contractor.schemas import ContractorShown, DeclareContractor
from api.deps import InstallerCall, ProjectId, now
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import AuditAction
from domain.contractors import Contractor
from storage.audit import Audit
from storage.contractors import company_of_account, declare_contractor, declared_contractor

router = APIRouter(prefix="/installer/projects/{project_id}/contractor", tags=["Certificates"])


@router.put(
    "",
    summary="Declare the company that did the work",
    operation_id="putContractor",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def put_contractor(
    call: InstallerCall, project_id: ProjectId, body: DeclareContractor
) -> ContractorShown:
    """Name the company that did the work; certificates show it as the installer, as declared.

    It is needed where that is another than the company of the account, or where an address or a
    registration has to stand on the certificate. Until the handover it can be put right.
    """
    at = now()
    declared = (
        None
        if body.company is None
        else Contractor(
            company=body.company,
            address=body.address,
            registration=body.registration,
            by=call.account.email,
            at=at,
        )
    )
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=True)
        before = await declared_contractor(connection, project_id)
        if _audited(before) == _audited(declared):
            declared = before  # who said it first, and when, stays
        await declare_contractor(connection, project_id, declared)
        await Audit(connection, project_id).write(
            AuditAction.CONTRACTOR_CHANGED,
            call.actor,
            target=project_id,
            at=at,
            before=_audited(before),
            after=_audited(declared),
        )
        account = await company_of_account(connection, project_id)
    return ContractorShown.of(declared, account=account)


@router.get("", summary="Show the company that did the work", operation_id="getContractor")
async def get_contractor(call: InstallerCall, project_id: ProjectId) -> ContractorShown:
    """The company that certificates name as the installer."""
    async with call.read(project=project_id) as connection:
        declared = await declared_contractor(connection, project_id)
        account = await company_of_account(connection, project_id)
    return ContractorShown.of(declared, account=account)


def _audited(contractor: Contractor | None) -> dict[str, Any]:
    if contractor is None:
        return dict.fromkeys(("company", "address", "registration"))
    return {
        "company": contractor.company,
        "address": contractor.address,
        "registration": contractor.registration,
    }
