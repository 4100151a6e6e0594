"""Shapes of invitation and handover."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Email, Name, Notes, Request, Timestamp
from domain.states import InvitationStatus, ProjectStatus
from storage.invitations import Invitation


class Invite(Request):
    """Whom to invite."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "facilities@riversidebp.com",
                    "message": "Your charge points at Riverside Business Park are ready.",
                }
            ]
        }
    )

    email: Email
    message: Notes | None = None


class Invited(BaseModel):
    """An invitation that was sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "invitation_id": "inv_01HX7ABCDEFGH12345",
                    "email": "facilities@riversidebp.com",
                    "expires_at": "2026-05-08T09:00:00Z",
                }
            ]
        }
    )

    invitation_id: str
    email: str
    expires_at: Timestamp


class InvitationShown(BaseModel):
    """An invitation, and how it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "inv_01HX7ABCDEFGH12345",
                    "project_id": "prj_01HX4M7TABCDE12345",
                    "email": "facilities@riversidebp.com",
                    "message": "Your charge points at Riverside Business Park are ready.",
                    "status": "declined",
                    "created_at": "2026-05-01T09:00:00Z",
                    "sent_at": "2026-05-01T09:00:01Z",
                    "expires_at": "2026-05-08T09:00:00Z",
                    "ended_at": "2026-05-02T08:12:44Z",
                    "reason": "We have sold the site.",
                }
            ]
        }
    )

    id: str
    project_id: str
    email: str
    message: str | None
    status: InvitationStatus
    created_at: Timestamp
    sent_at: Timestamp | None = Field(description="When its mail left, the last time")
    expires_at: Timestamp
    ended_at: Timestamp | None = Field(description="Since when it is not pending any more")
    reason: str | None = Field(description="Why the owner declined, in their words")

    @classmethod
    def of(cls, invitation: Invitation, *, now: datetime) -> "InvitationShown":
        """Show an invitation as it stands now."""
        status = invitation.status_at(now)
        unwritten = status is not invitation.status
        return cls(
            id=invitation.id,
            project_id=invitation.project_id,
            email=invitation.email,
            message=invitation.message,
            status=status,
            created_at=invitation.created_at,
            sent_at=invitation.sent_at,
            expires_at=invitation.expires_at,
            ended_at=invitation.expires_at if unwritten else invitation.ended_at,
            reason=invitation.reason,
        )


class Handover(Request):
    """The installer's sign-off."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sign_off_notes": "All connectors tested. Site owner briefed on app usage.",
                    "installer_signature": "J. Smith",
                }
            ]
        }
    )

    sign_off_notes: Notes | None = None
    installer_signature: Name


class HandedOver(BaseModel):
    """A project that was handed over."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "project_id": "prj_01HX4M7TABCDE12345",
                    "status": "handed_over",
                    "completed_at": "2026-05-01T10:15:00Z",
                }
            ]
        }
    )

    project_id: str
    status: ProjectStatus
    completed_at: Timestamp
