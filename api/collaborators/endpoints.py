"""Endpoints of the people who work on a project."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api.collaborators.schemas import (
    CollaboratorInvited,
    CollaboratorShown,
    NewCollaborator,
    RoleChange,
)
from api.deps import Acting, AppParts, Installer, ProjectId, now
from api.mail.admission import RECIPIENT_BLOCKED, admit_invitation
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER, project_request
from api.verified import VERIFIED
from domain.errors import NotFoundError
from domain.ids import Prefix, is_id
from domain.invitations import NewInvitation
from storage.invitations import Invitations
from storage.members import Members
from storage.projects import Projects
from storage.request_words import keep_words

router = APIRouter(prefix="/installer/projects/{project_id}/collaborators", tags=["Collaborators"])
_MAKER = "They made the project and stay a lead of it."


def _account_id(
    _: ProjectId, account_id: Annotated[str, Path(examples=["usr_01HX3K9VZAB2C4DEFG"])]
) -> str:
    if not is_id(Prefix.ACCOUNT, account_id):
        raise NotFoundError("collaborator_not_found", "Nobody with this id works on the project.")
    return account_id


AccountId = Annotated[str, Depends(_account_id)]


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
    project_id: ProjectId,
    body: NewCollaborator,
    installer: Installer,
    parts: AppParts,
    actor: Acting,
) -> CollaboratorInvited:
    """Mail a colleague an invitation to work on the project; leads alone can.

    A technician does the work on site: registers, configures and commissions charge points. A lead
    also decides about the project: its supply, its prices, its people, its owner, the handover.
    Nobody joins by naming the same company: the link in the mail is the only way in.
    """
    async with parts.database.write() as connection:
        project = await Projects(connection).for_change(
            project_id, installer_id=installer.id, lead=True
        )
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
        role=body.role,
        by=actor.by_id,
        asked_at=now(),
    )
    async with parts.database.write() as connection:
        await Invitations(connection).refuse_needless(project_id, body.role, body.email)
        invitation = await keep_words(connection, project_id, invitation, at=now())
    sent = await parts.temporal.invite_collaborator(project_request(project), invitation)
    return CollaboratorInvited(
        invitation_id=sent.invitation_id,
        email=body.email,
        role=body.role,
        expires_at=sent.expires_at,
    )


@router.get(
    "",
    summary="List who works on a project",
    operation_id="listCollaborators",
)
async def list_collaborators(
    project_id: ProjectId, installer: Installer, parts: AppParts, paging: Paging
) -> Page[CollaboratorShown]:
    """The leads and technicians of the project. Who is invited stands in the invitations."""
    async with parts.database.read() as connection:
        await Projects(connection).get(project_id, installer_id=installer.id)
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
    project_id: ProjectId,
    account_id: AccountId,
    body: RoleChange,
    installer: Installer,
    parts: AppParts,
    actor: Acting,
) -> CollaboratorShown:
    """Make a technician a lead, or a lead a technician; leads alone can."""
    async with parts.database.write() as connection:
        await Projects(connection).for_change(project_id, installer_id=installer.id, lead=True)
        members = Members(connection, project_id)
        await members.change(account_id, body.role, by=actor, at=now())
        return CollaboratorShown.of(await members.get(account_id))


@router.delete(
    "/{account_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a collaborator",
    operation_id="removeCollaborator",
    responses=problems(project_maker=_MAKER, project_handed_over=HANDED_OVER),
)
async def remove_collaborator(
    project_id: ProjectId,
    account_id: AccountId,
    installer: Installer,
    parts: AppParts,
    actor: Acting,
) -> Response:
    """End somebody's work on the project, at once; leads can, and everybody can leave."""
    async with parts.database.write() as connection:
        await Projects(connection).for_change(
            project_id, installer_id=installer.id, lead=account_id != installer.id
        )
        await Members(connection, project_id).remove(account_id, by=actor, at=now())
    return Response(status_code=HTTPStatus.NO_CONTENT)
