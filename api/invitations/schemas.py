"""Shapes of invitations, and of their ends."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from api.accounts.schemas import AccountCreated, Code, NewPassword
from api.fields import Name, Reason, Shown, Timestamp, example
from domain.states import InvitationStatus, ProjectRole
from storage.models.invitations import Invitation


class Accept(Code):
    """Accept an invitation.

    The account is of the e-mail that was invited. Where there is one already, give its password;
    otherwise choose one. So you do too where the e-mail of the one that is there was never
    verified.
    """

    model_config = example(
        {"token": "4f0c…", "name": "Riverside Facilities", "password": "0wner-P@ssword!"}
    )

    name: Name | None = None
    password: NewPassword


class Accepted(AccountCreated):
    """The account of who has accepted, the project, and what they are to it."""

    model_config = example(
        id="usr_01HX8OWNERABCDEFGH",
        email="facilities@riversidebp.com",
        role="site_owner",
        created_at="2026-05-01T10:00:00Z",
        project_id="prj_01HX4M7TABCDE12345",
        project_role="site_owner",
    )

    project_id: str
    project_role: ProjectRole


class Decline(Code):
    """Decline an invitation; it needs no account."""

    model_config = example({"token": "4f0c…", "reason": "We have sold the site."})

    reason: Reason | None = Field(default=None, description="Who has invited you reads it")


class Delivery(StrEnum):
    """What became of an invitation's mail."""

    SENT = "sent"
    WAITING = "waiting"
    BLOCKED = "blocked"


class InvitationShown(Shown):
    """An invitation, and how it stands."""

    model_config = example(
        id="inv_01HX7ABCDEFGH12345",
        project_id="prj_01HX4M7TABCDE12345",
        email="facilities@riversidebp.com",
        role="site_owner",
        message="Your charge points at Riverside Business Park are ready.",
        status="declined",
        created_at="2026-05-01T09:00:00Z",
        sent_at="2026-05-01T09:00:01Z",
        delivery="sent",
        expires_at="2026-05-08T09:00:00Z",
        ended_at="2026-05-02T08:12:44Z",
        reason="We have sold the site.",
    )

    id: str
    project_id: str
    email: str
    role: ProjectRole = Field(description="What it makes of who accepts it")
    message: str | None
    status: InvitationStatus
    created_at: Timestamp
    sent_at: Timestamp | None = Field(description="When its mail left, the last time")
    delivery: Delivery = Field(
        description="`sent`; `waiting`: its mail has not left yet; `blocked`: whoever reads that "
        "address has stopped the mail that the inviter causes, so none leaves"
    )
    expires_at: Timestamp
    ended_at: Timestamp | None = Field(description="Since when it is not pending any more")
    reason: str | None = Field(description="Why they declined, in their words")

    @classmethod
    def as_of(cls, now: datetime, invitation: Invitation, *, blocked: bool = False) -> Self:
        """Show an invitation as it stands now; ``blocked``: its mail is not wanted."""
        status = invitation.status_at(now)
        unwritten = status is not invitation.status
        return cls.of(
            invitation,
            status=status,
            delivery=_delivery(invitation, blocked=blocked and status is InvitationStatus.PENDING),
            ended_at=invitation.expires_at if unwritten else invitation.ended_at,
        )


def _delivery(invitation: Invitation, *, blocked: bool) -> Delivery:
    if blocked:
        return Delivery.BLOCKED
    return Delivery.WAITING if invitation.sent_at is None else Delivery.SENT
