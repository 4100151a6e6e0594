"""Endpoints of the company that did the work. A change makes the next certificate another."""

from typing import Any, Final, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from api.deps import InstallerCall, ProjectId, now
from api.fields import Address, Name, Request, Shown, Timestamp, example
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import AuditAction
from domain.contractors import Contractor
from domain.wording import FieldValueError
from storage.audit import Audit
from storage.declarations import company_of_account, declare_contractor, declared_contractor

router = APIRouter(prefix="/installer/projects/{project_id}/contractor", tags=["Certificates"])


_EXAMPLE: Final[dict[str, Any]] = {
    "company": "Volt & Sons Ltd",
    "address": "4 Forge Lane, Bristol, BS2 0XX",
    "registration": "Company no. 09123456, register of electrical contractors no. 40213",
}


class DeclareContractor(Request):
    """The company that did the work. It replaces what was declared before."""

    model_config = example(_EXAMPLE)

    company: Name | None = Field(description="null: the company of the account again")
    address: Address | None = None
    registration: Name | None = Field(
        default=None, description="Where it is registered, and the number"
    )

    @model_validator(mode="after")
    def _of_a_company(self) -> "DeclareContractor":
        if self.company is None and (self.address or self.registration):
            raise FieldValueError("is needed beside an address or a registration", "company")
        return self


class ContractorShown(Shown):
    """The company that certificates name as the installer."""

    model_config = example(**_EXAMPLE, by="installer@acme.com", at="2026-05-01T09:00:00Z")

    company: str
    address: str | None = None
    registration: str | None = None
    by: str | None = Field(
        default=None, description="Who declared it; null: nobody did, it is that of the account"
    )
    at: Timestamp | None = None

    @classmethod
    def of_project(cls, contractor: Contractor | None, *, account: str) -> Self:
        """Show what was declared, or the company of the account."""
        return cls(company=account) if contractor is None else cls.of(contractor)


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
    return ContractorShown.of_project(declared, account=account)


@router.get("", summary="Show the company that did the work", operation_id="getContractor")
async def get_contractor(call: InstallerCall, project_id: ProjectId) -> ContractorShown:
    """The company that certificates name as the installer."""
    async with call.read(project=project_id) as connection:
        declared = await declared_contractor(connection, project_id)
        account = await company_of_account(connection, project_id)
    return ContractorShown.of_project(declared, account=account)


def _audited(contractor: Contractor | None) -> dict[str, Any]:
    if contractor is None:
        return dict.fromkeys(("company", "address", "registration"))
    return {
        "company": contractor.company,
        "address": contractor.address,
        "registration": contractor.registration,
    }
