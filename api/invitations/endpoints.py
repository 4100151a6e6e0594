"""Endpoints of the invited: site owners, and colleagues who work on a project."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from api.accounts.visitor import AVisitor, Visitor
from api.deps import AppParts, Installer, SiteOwner, now
from api.invitations.schemas import Accept, Accepted, Decline, InvitationShown
from api.invitations.service import accept, decline
from api.pagination import Page, Paging
from api.parts import Parts
from api.problems import problems
from api.verified import VERIFIED
from domain.ids import Prefix
from domain.states import Role
from storage.invitations import Invitations
from storage.models.accounts import Account

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
    400,
    401,
    404,
    413,
    422,
    429,
    503,
    **_ENDED,
    changed_meanwhile="Another request has just set a password of the account. Try again with it.",
)
_DECLINE_PROBLEMS = problems(400, 404, 413, 422, 429, 503, **_ENDED)


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
    return await _decline(parts, body, Role.SITE_OWNER, visitor)


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
    return await _decline(parts, body, Role.INSTALLER, visitor)


@owner_router.get(
    "",
    summary="List my invitations",
    operation_id="listMyInvitations",
    responses=problems(401, 403, 422, 503),
)
async def list_of_owner(owner: SiteOwner, parts: AppParts, paging: Paging) -> Page[InvitationShown]:
    """The invitations that were sent to your e-mail, newest first, and how they stand."""
    return await _list(parts, owner, paging)


@installer_router.get(
    "",
    summary="List my invitations to projects",
    operation_id="listMyInvitationsToWork",
    dependencies=VERIFIED,
    responses=problems(401, 403, 422, 503),
)
async def list_of_installer(
    installer: Installer, parts: AppParts, paging: Paging
) -> Page[InvitationShown]:
    """The invitations that were sent to your e-mail, newest first, and how they stand."""
    return await _list(parts, installer, paging)


async def _accept(
    parts: Parts, body: Accept, side: Role, visitor: Visitor, response: Response
) -> Accepted:
    accepted = await accept(
        parts,
        token=body.token,
        name=body.name,
        password=body.password,
        visitor=visitor,
        side=side,
    )
    if not accepted.made:
        response.status_code = HTTPStatus.OK
    return Accepted(
        id=accepted.account.id,
        email=accepted.account.email,
        role=accepted.account.role,
        created_at=accepted.account.created_at,
        project_id=accepted.project_id,
        project_role=accepted.role,
    )


async def _decline(parts: Parts, body: Decline, side: Role, visitor: Visitor) -> InvitationShown:
    declined = await decline(
        parts, token=body.token, reason=body.reason, visitor=visitor, side=side
    )
    return InvitationShown.of(declined, now=now())


async def _list(parts: Parts, account: Account, paging: Paging) -> Page[InvitationShown]:
    moment = now()
    async with parts.database.read() as connection:
        rows = await Invitations(connection).page_of_invited(
            account.email,
            account.role,
            before=paging.after_id(Prefix.INVITATION),
            limit=paging.fetch,
        )
    return paging.page(
        rows, lambda one: InvitationShown.of(one, now=moment), lambda invitation: invitation.id
    )
