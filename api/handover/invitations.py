"""Endpoints of the invitations that a project has sent."""

from typing import Annotated

from fastapi import APIRouter

from api.call import Call
from api.deps import InstallerCall, ProjectId, now, path_id
from api.handover.schemas import Invited
from api.invitations.schemas import InvitationShown
from api.mail.admission import RECIPIENT_BLOCKED, admit_invitation, blocked_among
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER, project_request
from api.verified import VERIFIED
from domain.errors import NotFoundError
from domain.ids import Prefix
from domain.invitations import NewInvitation, ResendInvitation
from domain.states import ProjectRole
from storage.invitation_ends import InvitationEnds
from storage.invitations import Invitations
from storage.request_words import keep_words

router = APIRouter(prefix="/installer/projects/{project_id}/invitations", tags=["Handover"])
_NOT_PENDING = "It has ended already; `status` of the list says how."


InvitationId = Annotated[
    str,
    path_id(
        "invitation_id",
        Prefix.INVITATION,
        lambda: NotFoundError(
            "invitation_not_found", "The project has no invitation with this id."
        ),
        example="inv_01HX7ABCDEFGH12345",
    ),
]


@router.get("", summary="List the invitations", operation_id="listInvitations")
async def list_invitations(
    call: InstallerCall, project_id: ProjectId, paging: Paging
) -> Page[InvitationShown]:
    """Every invitation of the project, of its owner and of colleagues, newest first."""
    moment = now()
    async with call.read(project=project_id) as connection:
        rows = await Invitations(connection).page(
            project_id, before=paging.after_id(Prefix.INVITATION), limit=paging.fetch
        )
    blocked = await blocked_among(call.parts, rows)
    return paging.page(
        rows,
        lambda one: InvitationShown.as_of(moment, one, blocked=one.id in blocked),
        lambda invitation: invitation.id,
    )


@router.post(
    "/{invitation_id}/resend",
    summary="Mail an invitation again",
    operation_id="resendInvitation",
    dependencies=VERIFIED,
    responses=problems(
        429,
        invitation_not_pending=_NOT_PENDING,
        recipient_blocked=RECIPIENT_BLOCKED,
        project_handed_over=HANDED_OVER,
    ),
)
async def resend_invitation(
    call: InstallerCall, project_id: ProjectId, invitation_id: InvitationId
) -> Invited:
    """Mail the link of a pending invitation once more; the time to accept it begins anew."""
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id, lead=True)
        invitation = await Invitations(connection).of_project(invitation_id, project_id)
    await admit_invitation(
        call.parts,
        inviter=call.account,
        project_id=project_id,
        email=invitation.email,
        address=call.actor.address,
        sent_by=invitation.invited_by,
    )
    sent = await call.parts.temporal.resend_invitation(
        project_request(project),
        ResendInvitation(invitation_id=invitation_id, asked_at=now(), by=call.actor.by_id),
    )
    return Invited(
        invitation_id=sent.invitation_id, email=invitation.email, expires_at=sent.expires_at
    )


@router.post(
    "/{invitation_id}/revoke",
    summary="Revoke an invitation",
    operation_id="revokeInvitation",
    responses=problems(invitation_not_pending=_NOT_PENDING, project_handed_over=HANDED_OVER),
)
async def revoke_invitation(
    call: InstallerCall, project_id: ProjectId, invitation_id: InvitationId
) -> InvitationShown:
    """Take an invitation back: its link stops working at once.

    One that the site owner has accepted can be taken back until the handover; the project then has
    no site owner any more, and another can be invited. The id tags, the access mode and the tariffs
    that the owner had chosen are dropped.
    """
    moment = now()
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=True)
        invitations = InvitationEnds(connection)
        revoked = await invitations.revoke(
            await invitations.of_project(invitation_id, project_id), at=moment, by=call.actor
        )
    await call.parts.temporal.invitation_ended(project_id, invitation_id)
    blocked = await blocked_among(call.parts, [revoked])
    return InvitationShown.as_of(moment, revoked, blocked=bool(blocked))


async def new_invitation(
    call: Call, project_id: str, *, email: str, role: ProjectRole, message: str | None
) -> NewInvitation:
    """Compose an invitation to a project, once its mail is admitted and it is not needless.

    Raises:
        TooManyRequestsError: ``too_many_invitations``.
        ConflictError: ``recipient_blocked``; ``owner_accepted``, ``already_collaborator``.

    """
    await admit_invitation(
        call.parts,
        inviter=call.account,
        project_id=project_id,
        email=email,
        address=call.actor.address,
    )
    invitation = NewInvitation(
        invitation_id=call.parts.new_id(Prefix.INVITATION),
        email=email,
        message=message,
        role=role,
        by=call.actor.by_id,
        asked_at=now(),
    )
    async with call.write() as connection:
        await Invitations(connection).refuse_needless(project_id, role, email)
        return await keep_words(connection, project_id, invitation, at=now())
