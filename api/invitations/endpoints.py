"""Endpoints of the invited: site owners, and colleagues who work on a project."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from api.accounts.visitor import AVisitor, Visitor
from api.deps import ONLY, AnyCall, AppParts, now
from api.invitations.schemas import Accept, Accepted, Decline, InvitationShown
from api.invitations.service import accept, decline
from api.pagination import Page, Paging
from api.parts import Parts
from api.problems import problems
from api.verified import VERIFIED
from domain.ids import Prefix
from domain.states import Role
from storage.invitations import Invitations

owner_router = APIRouter(prefix="/site-owner/invitations", tags=["Site owner"])
installer_router = APIRouter(prefix="/installer/invitations", tags=["Collaborators"])

_LINKED: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {"model": Accepted, "description": "Linked to the account that was there"}
}
_ENDED = {
    "invitation_used": "It was accepted already.",
    "invitation_declined": "It was declined.",
    "invitation_revoked": "The installer took it back.",
    "invitation_replaced": "A newer one was sent.",
    "invitation_expired": "It has expired.",
}
_ACCEPT_PROBLEMS = _LINKED | problems(
    401,
    404,
    429,
    **_ENDED,
    changed_meanwhile="Another request has just set a password of the account. Try again with it.",
)
_DECLINE_PROBLEMS = problems(404, 429, **_ENDED)


@owner_router.post(
    "/accept",
    status_code=HTTPStatus.CREATED,
    summary="Accept an invitation",
    operation_id="acceptInvitation",
    responses=_ACCEPT_PROBLEMS,
)
async def accept_as_owner(
    body: Accept, parts: AppParts, visitor: AVisitor, response: Response
) -> Accepted:
    """Claim the project of an invitation with the token of the mail.

    It makes the account with the password, or links the account that is there, whose password it
    must be then. Of an account whose e-mail was never verified it becomes the new password, and
    the old one opens it no more. A token works once, and verifies the e-mail.
    """
    return await _accept(parts, body, Role.SITE_OWNER, visitor, response)


@installer_router.post(
    "/accept",
    status_code=HTTPStatus.CREATED,
    summary="Accept an invitation to a project",
    operation_id="acceptInvitationToWork",
    responses=_ACCEPT_PROBLEMS,
)
async def accept_as_installer(
    body: Accept, parts: AppParts, visitor: AVisitor, response: Response
) -> Accepted:
    """Join the project of an invitation with the token of the mail, as a lead or a technician.

    It makes the account with the password, of the company of who has invited you, or links the
    account that is there, whose password it must be then. Of an account whose e-mail was never
    verified it becomes the new password, and the old one opens it no more. A token works once, and
    verifies the e-mail.
    """
    return await _accept(parts, body, Role.INSTALLER, visitor, response)


@owner_router.post(
    "/decline",
    summary="Decline an invitation",
    operation_id="declineInvitation",
    responses=_DECLINE_PROBLEMS,
)
async def decline_as_owner(body: Decline, parts: AppParts, visitor: AVisitor) -> InvitationShown:
    """Refuse an invitation with the token of the mail; the installer is told, with the reason.

    The token then does nothing any more.
    """
    return InvitationShown.as_of(now(), await decline(parts, body, visitor, side=Role.SITE_OWNER))


@installer_router.post(
    "/decline",
    summary="Decline an invitation to a project",
    operation_id="declineInvitationToWork",
    responses=_DECLINE_PROBLEMS,
)
async def decline_as_installer(
    body: Decline, parts: AppParts, visitor: AVisitor
) -> InvitationShown:
    """Refuse an invitation with the token of the mail; who has invited you is told.

    The token then does nothing any more.
    """
    return InvitationShown.as_of(now(), await decline(parts, body, visitor, side=Role.INSTALLER))


@owner_router.get(
    "",
    summary="List my invitations",
    operation_id="listMyInvitations",
    dependencies=ONLY[Role.SITE_OWNER],
)
@installer_router.get(
    "",
    summary="List my invitations to projects",
    operation_id="listMyInvitationsToWork",
    dependencies=[*ONLY[Role.INSTALLER], *VERIFIED],
)
async def list_invitations(call: AnyCall, paging: Paging) -> Page[InvitationShown]:
    """The invitations that were sent to your e-mail, newest first, and how they stand."""
    moment = now()
    async with call.read() as connection:
        rows = await Invitations(connection).page_of_invited(
            call.account.email,
            call.account.role,
            before=paging.after_id(Prefix.INVITATION),
            limit=paging.fetch,
        )
    return paging.page(
        rows, lambda one: InvitationShown.as_of(moment, one), lambda invitation: invitation.id
    )


async def _accept(
    parts: Parts, body: Accept, side: Role, visitor: Visitor, response: Response
) -> Accepted:
    accepted = await accept(parts, body, visitor, side=side)
    if not accepted.made:
        response.status_code = HTTPStatus.OK
    return Accepted.of(accepted.account, project_id=accepted.project_id, project_role=accepted.role)
