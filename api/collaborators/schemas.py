"""Shapes of collaborators."""

from typing import Any, Literal, Self

from pydantic import Field

from api.fields import Email, Notes, Request, Shown, Timestamp, example
from api.handover.schemas import Invited
from domain.states import ProjectRole
from storage.members import Member

WorkRole = Literal[ProjectRole.LEAD, ProjectRole.TECHNICIAN]
_SHOWN: dict[str, Any] = {
    "account_id": "usr_01HX3K9VZAB2C4DEFG",
    "name": "Sam Field",
    "email": "sam@acme.com",
    "company": "Acme EV Solutions Ltd",
    "role": "technician",
    "joined_at": "2026-05-01T09:10:00Z",
    "made_the_project": False,
}


class NewCollaborator(Request):
    """Whom to invite, and as what."""

    model_config = example(
        email="sam@acme.com", role="technician", message="You are on bays 1 to 20 tomorrow."
    )

    email: Email
    role: WorkRole
    message: Notes | None = None


class CollaboratorInvited(Invited):
    """An invitation that was sent."""

    model_config = example(
        invitation_id="inv_01HX7ABCDEFGH12345",
        email="sam@acme.com",
        role="technician",
        expires_at="2026-05-08T09:00:00Z",
    )

    role: ProjectRole


class RoleChange(Request):
    """Another role."""

    model_config = example(role="lead")

    role: WorkRole


class CollaboratorShown(Shown):
    """Somebody who works on the project."""

    model_config = example(_SHOWN)

    account_id: str
    name: str
    email: str
    company: str | None
    role: ProjectRole
    joined_at: Timestamp
    made_the_project: bool = Field(description="Stays a lead of it")

    @classmethod
    def of(cls, it: Member, **others: Any) -> Self:
        """Show a person of the project."""
        return super().of(it, made_the_project=it.made_it, **others)
