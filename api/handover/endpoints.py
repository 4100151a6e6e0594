"""Endpoints of invitation and handover."""

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter

from api.deps import Acting, AppParts, Installer, ProjectId, now
from api.handover.schemas import HandedOver, Handover, HandoverShown, Invite, Invited, WarningShown
from api.mail.admission import RECIPIENT_BLOCKED, admit_invitation
from api.parts import Parts
from api.problems import problems
from api.projects.endpoints import HANDED_OVER, project_request
from api.verified import VERIFIED
from domain.errors import ConflictError
from domain.handover import CompleteHandover, ProjectRequest
from domain.ids import Prefix
from domain.invitations import NewInvitation
from domain.states import ProjectStatus
from storage.handover import Handover as Preview
from storage.invitations import Invitations
from storage.models.accounts import Account
from storage.projects import Projects
from storage.request_words import keep_words

router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Handover"])


@router.post(
    "/invite-site-owner",
    status_code=HTTPStatus.CREATED,
    summary="Invite the site owner",
    operation_id="inviteSiteOwner",
    dependencies=VERIFIED,
    responses=problems(
        400,
        401,
        403,
        404,
        413,
        422,
        429,
        503,
        project_handed_over=HANDED_OVER,
        recipient_blocked=RECIPIENT_BLOCKED,
        owner_accepted="Somebody is the site owner; revoke `invitation_id` first.",
    ),
)
async def invite_site_owner(
    project_id: ProjectId, body: Invite, installer: Installer, parts: AppParts, actor: Acting
) -> Invited:
    """Mail the site owner an invitation, so that they can claim the project.

    A new invitation, to whatever address, replaces one that is pending: its link stops working.
    """
    project = await _open_project(parts, installer, project_id)
    await admit_invitation(
        parts,
        inviter=installer,
        project_id=project_id,
        email=body.email,
        address=actor.address,
    )
    invitation = NewInvitation(
        invitation_id=parts.new_id(Prefix.INVITATION),
        email=body.email,
        message=body.message,
        by=actor.by_id,
        asked_at=now(),
    )
    async with parts.database.write() as connection:
        await Invitations(connection).refuse_needless(project_id, invitation.role, body.email)
        invitation = await keep_words(connection, project_id, invitation, at=now())
    sent = await parts.temporal.invite_site_owner(project, invitation)
    return Invited(invitation_id=sent.invitation_id, email=body.email, expires_at=sent.expires_at)


@router.get(
    "/handover",
    summary="Look what a handover would find",
    operation_id="previewHandover",
    responses=problems(401, 403, 404, 503),
)
async def preview_handover(
    project_id: ProjectId, installer: Installer, parts: AppParts
) -> HandoverShown:
    """What stands in the way of the handover, and what its owner would find: nothing is changed."""
    async with parts.database.read() as connection:
        project = await Projects(connection).get(project_id, installer_id=installer.id)
        preview = await Preview(connection, parts.catalogue).preview(project_id, at=now())
    return HandoverShown.of(preview, project.status)


@router.post(
    "/complete-handover",
    summary="Complete the handover",
    operation_id="completeHandover",
    dependencies=VERIFIED,
    responses=problems(
        400,
        401,
        403,
        404,
        413,
        422,
        503,
        handover_blocked="`blockers` lists what stands in the way: `code`, `detail`, "
        "`charge_point_id`.",
        project_handed_over="It is handed over already, with other notes or another signature.",
    ),
)
async def complete_handover(
    project_id: ProjectId, body: Handover, installer: Installer, parts: AppParts, actor: Acting
) -> HandedOver:
    """Mark the project as handed over, once every charge point is commissioned and the owner in.

    From then on nothing of the project can be changed by the installer. The same body again, should
    the answer have been lost, is answered as the first time. `warnings` say what the owner will
    find; a mail tells them what is active, who may charge, what a kWh costs and what to do next.
    """
    project = await _project_to_hand_over(parts, installer, project_id, body)
    handover = CompleteHandover(
        sign_off_notes=body.sign_off_notes,
        installer_signature=body.installer_signature,
        by=actor.by_id,
    )
    async with parts.database.write() as connection:
        handover = await keep_words(connection, project_id, handover, at=now())
    result = await parts.temporal.complete_handover(project, handover)
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


async def _project_to_hand_over(
    parts: Parts, installer: Account, project_id: str, body: Handover
) -> ProjectRequest:
    """Find a project that is open, or was handed over with these very words."""
    try:
        return await _open_project(parts, installer, project_id)
    except ConflictError:
        async with parts.database.read() as connection:
            done = await Projects(connection).get(
                project_id, installer_id=installer.id, even_handed_over=True
            )
        words = (done.sign_off_notes, done.installer_signature)
        if words != (body.sign_off_notes, body.installer_signature):
            raise
        return project_request(done)


async def _open_project(parts: Parts, installer: Account, project_id: str) -> ProjectRequest:
    # The lock ends here; the handover itself is decided under another, in its own transaction.
    async with parts.database.write() as connection:
        return project_request(
            await Projects(connection).for_change(project_id, installer_id=installer.id, lead=True)
        )
