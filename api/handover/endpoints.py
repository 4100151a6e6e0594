"""Endpoints of invitation and handover."""

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter

from api.call import Call
from api.deps import InstallerCall, ProjectId, now
from api.handover.invitations import new_invitation
from api.handover.schemas import HandedOver, Handover, HandoverShown, Invite, Invited, WarningShown
from api.mail.admission import RECIPIENT_BLOCKED
from api.problems import problems
from api.projects.endpoints import HANDED_OVER, project_request
from api.verified import VERIFIED
from domain.errors import ConflictError
from domain.handover import CompleteHandover, ProjectRequest
from domain.states import ProjectRole, ProjectStatus
from storage.handover import Handover as Preview
from storage.request_words import keep_words

router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Handover"])


@router.post(
    "/invite-site-owner",
    status_code=HTTPStatus.CREATED,
    summary="Invite the site owner",
    operation_id="inviteSiteOwner",
    dependencies=VERIFIED,
    responses=problems(
        429,
        project_handed_over=HANDED_OVER,
        recipient_blocked=RECIPIENT_BLOCKED,
        owner_accepted="Somebody is the site owner; revoke `invitation_id` first.",
    ),
)
async def invite_site_owner(call: InstallerCall, project_id: ProjectId, body: Invite) -> Invited:
    """Mail the site owner an invitation, so that they can claim the project.

    A new invitation, to whatever address, replaces one that is pending: its link stops working.
    """
    project = await _open_project(call, project_id)
    invitation = await new_invitation(
        call, project_id, email=body.email, role=ProjectRole.SITE_OWNER, message=body.message
    )
    sent = await call.parts.temporal.invite_site_owner(project, invitation)
    return Invited(invitation_id=sent.invitation_id, email=body.email, expires_at=sent.expires_at)


@router.get("/handover", summary="Look what a handover would find", operation_id="previewHandover")
async def preview_handover(call: InstallerCall, project_id: ProjectId) -> HandoverShown:
    """What stands in the way of the handover, and what its owner would find: nothing is changed."""
    async with call.read() as connection:
        project = await call.project(connection, project_id)
        preview = await Preview(connection, call.parts.catalogue).preview(project_id, at=now())
    return HandoverShown.of(preview, status=project.status)


@router.post(
    "/complete-handover",
    summary="Complete the handover",
    operation_id="completeHandover",
    dependencies=VERIFIED,
    responses=problems(
        handover_blocked="`blockers` lists what stands in the way: `code`, `detail`, "
        "`charge_point_id`.",
        project_handed_over="It is handed over already, with other notes or another signature.",
    ),
)
async def complete_handover(
    call: InstallerCall, project_id: ProjectId, body: Handover
) -> HandedOver:
    """Mark the project as handed over, once every charge point is commissioned and the owner in.

    From then on nothing of the project can be changed by the installer. The same body again, should
    the answer have been lost, is answered as the first time. `warnings` say what the owner will
    find; a mail tells them what is active, who may charge, what a kWh costs and what to do next.
    """
    project = await _project_to_hand_over(call, project_id, body)
    handover = CompleteHandover(
        sign_off_notes=body.sign_off_notes,
        installer_signature=body.installer_signature,
        by=call.actor.by_id,
    )
    async with call.write() as connection:
        handover = await keep_words(connection, project_id, handover, at=now())
    result = await call.parts.temporal.complete_handover(project, handover)
    if result.completed_at is None:
        raise ConflictError(
            "handover_blocked",
            "The project cannot be handed over yet. "
            + " ".join(blocker.detail for blocker in result.blockers),
            blockers=[asdict(blocker) for blocker in result.blockers],
        )
    return HandedOver(
        project_id=project_id,
        status=ProjectStatus.HANDED_OVER,
        completed_at=result.completed_at,
        warnings=[WarningShown.of(one) for one in result.warnings],
    )


async def _project_to_hand_over(call: Call, project_id: str, body: Handover) -> ProjectRequest:
    """Find a project that is open, or was handed over with these very words."""
    try:
        return await _open_project(call, project_id)
    except ConflictError:
        async with call.read() as connection:
            done = await call.project(connection, project_id, even_handed_over=True)
        words = (done.sign_off_notes, done.installer_signature)
        if words != (body.sign_off_notes, body.installer_signature):
            raise
        return project_request(done)


async def _open_project(call: Call, project_id: str) -> ProjectRequest:
    # The lock ends here; the handover itself is decided under another, in its own transaction.
    async with call.write() as connection:
        return project_request(await call.project_for_change(connection, project_id, lead=True))
