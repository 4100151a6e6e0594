"""Shapes of invitation and handover."""

from typing import Any

from pydantic import BaseModel, Field

from api.fields import Email, Name, Notes, Request, Shown, Timestamp, example
from domain.states import ProjectStatus

_NO_TARIFF: dict[str, Any] = {
    "code": "no_tariff",
    "detail": "There is no tariff: charging is free, and not billed.",
}


class Invite(Request):
    """Whom to invite."""

    model_config = example(
        email="facilities@riversidebp.com",
        message="Your charge points at Riverside Business Park are ready.",
    )

    email: Email
    message: Notes | None = None


class Invited(BaseModel):
    """An invitation that was sent."""

    model_config = example(
        invitation_id="inv_01HX7ABCDEFGH12345",
        email="facilities@riversidebp.com",
        expires_at="2026-05-08T09:00:00Z",
    )

    invitation_id: str
    email: str
    expires_at: Timestamp


class Handover(Request):
    """The installer's sign-off."""

    model_config = example(
        sign_off_notes="All connectors tested. Site owner briefed on app usage.",
        installer_signature="J. Smith",
    )

    sign_off_notes: Notes | None = None
    installer_signature: Name


class BlockerShown(Shown):
    """What stands between a project and its handover."""

    code: str
    detail: str
    charge_point_id: str | None


class WarningShown(Shown):
    """What a handover does not wait for, and its owner should know."""

    code: str = Field(
        description="`nobody_may_charge`, `no_tariff`, `no_power_limit`, `not_connected`, "
        "`link_unauthenticated` or `not_compliant`"
    )
    detail: str = Field(description="The same in a sentence, with what to do")


class HandedOver(BaseModel):
    """A project that was handed over."""

    model_config = example(
        project_id="prj_01HX4M7TABCDE12345",
        status="handed_over",
        completed_at="2026-05-01T10:15:00Z",
        warnings=[_NO_TARIFF],
    )

    project_id: str
    status: ProjectStatus
    completed_at: Timestamp
    warnings: list[WarningShown] = Field(
        description="What the site owner will find, and is told by mail; it stops nothing"
    )


class HandoverShown(Shown):
    """How near a project is to its handover."""

    model_config = example(
        project_id="prj_01HX4M7TABCDE12345",
        status="in_progress",
        completed_at=None,
        blockers=[
            {
                "code": "owner_not_accepted",
                "detail": "The site owner has not accepted an invitation. Invite them "
                "(POST …/projects/prj_01HX4M7TABCDE12345/invite-site-owner with "
                '"email"), or ask them to use the link in the mail.',
                "charge_point_id": None,
            }
        ],
        warnings=[_NO_TARIFF],
    )

    project_id: str
    status: ProjectStatus
    completed_at: Timestamp | None
    blockers: list[BlockerShown] = Field(
        description="What `complete-handover` would be refused with; empty: nothing"
    )
    warnings: list[WarningShown] = Field(description="What the site owner would find")
