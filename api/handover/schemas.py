"""Shapes of invitation and handover."""

from pydantic import BaseModel, ConfigDict

from api.fields import Email, Name, Notes, Request, Timestamp
from domain.states import ProjectStatus


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
