"""Endpoints of the people who work on a project."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response

from api.collaborators.schemas import (
    CollaboratorInvited,
    CollaboratorShown,
    NewCollaborator,
    RoleChange,
)
from api.deps import InstallerCall, ProjectId, now, path_id
from api.handover.invitations import new_invitation
from api.mail.admission import RECIPIENT_BLOCKED
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER, project_request
from api.verified import VERIFIED
from domain.errors import NotFoundError
from domain.ids import Prefix
from storage.members import Members

router = APIRouter(prefix="/installer/projects/{project_id}/collaborators", tags=["Collaborators"])
_MAKER = "They made the project and stay a lead of it."


AccountId = Annotated[
    str,
    path_id(
        "account_id",
        Prefix.ACCOUNT,
        lambda: NotFoundError(
            "collaborator_not_found", "Nobody with this id works on the project."
        ),
        example="usr_01HX3K9VZAB2C4DEFG",
    ),
]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Invite a colleague",
    operation_id="inviteCollaborator",
    dependencies=VERIFIED,
    responses=problems(
        429,
        recipient_blocked=RECIPIENT_BLOCKED,
        already_collaborator="They work on the project already, as `account_id`.",
        project_handed_over=HANDED_OVER,
    ),
)
async def invite_collaborator(
    call: InstallerCall, project_id: ProjectId, body: NewCollaborator
) -> CollaboratorInvited:
    """Mail a colleague an invitation to work on the project; leads alone can.

    A technician does the work on site: registers, configures and commissions charge points. A lead
    also decides about the project: its supply, its prices, its people, its owner, the handover.
    Nobody joins by naming the same company: the link in the mail is the only way in.
    """
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id, lead=True)
    invitation = await new_invitation(
        call, project_id, email=body.email, role=body.role, message=body.message
    )
    sent = await call.parts.temporal.invite_collaborator(project_request(project), invitation)
    return CollaboratorInvited(
        invitation_id=sent.invitation_id,
        email=body.email,
        role=body.role,
        expires_at=sent.expires_at,
    )


@router.get("", summary="List who works on a project", operation_id="listCollaborators")
async def list_collaborators(
    call: InstallerCall, project_id: ProjectId, paging: Paging
) -> Page[CollaboratorShown]:
    """The leads and technicians of the project. Who is invited stands in the invitations."""
    async with call.read(project=project_id) as connection:
        rows = await Members(connection, project_id).page(
            after=paging.after_id(Prefix.ACCOUNT), limit=paging.fetch
        )
    return paging.page(rows, CollaboratorShown.of, lambda member: member.account_id)


@router.patch(
    "/{account_id}",
    summary="Give a collaborator another role",
    operation_id="changeCollaborator",
    responses=problems(project_maker=_MAKER, project_handed_over=HANDED_OVER),
)
async def change_collaborator(
    call: InstallerCall, project_id: ProjectId, account_id: AccountId, body: RoleChange
) -> CollaboratorShown:
    """Make a technician a lead, or a lead a technician; leads alone can."""
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=True)
        members = Members(connection, project_id)
        await members.change(account_id, body.role, by=call.actor, at=now())
        return CollaboratorShown.of(await members.get(account_id))


@router.delete(
    "/{account_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a collaborator",
    operation_id="removeCollaborator",
    responses=problems(project_maker=_MAKER, project_handed_over=HANDED_OVER),
)
async def remove_collaborator(
    call: InstallerCall, project_id: ProjectId, account_id: AccountId
) -> Response:
    """End somebody's work on the project, at once; leads can, and everybody can leave."""
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=account_id != call.account.id)
        await Members(connection, project_id).remove(account_id, by=call.actor, at=now())
    return Response(status_code=HTTPStatus.NO_CONTENT)
