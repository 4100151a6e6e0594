"""Shapes of the company that did the work."""

from typing import Any, Final

from pydantic import BaseModel, Field, model_validator

from api.fields import Address, Name, Request, Timestamp, example
from domain.contractors import Contractor
from domain.wording import FieldValueError

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


class ContractorShown(BaseModel):
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
    def of(cls, contractor: Contractor | None, *, account: str) -> "ContractorShown":
        """Show what was declared, or the company of the account."""
        if contractor is None:
            return cls(company=account)
        return cls(
            company=contractor.company,
            address=contractor.address,
            registration=contractor.registration,
            by=contractor.by,
            at=contractor.at,
        )
