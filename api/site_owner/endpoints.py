"""Endpoints of the site owner's side."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from api.accounts.schemas import LoggedIn, Login, Me
from api.accounts.service import log_in, log_out
from api.deps import AppParts, ClientAddress, Session, SiteOwner, now
from api.handover.schemas import InvitationShown
from api.pagination import Page, Paging
from api.problems import problems
from api.site_owner.schemas import Accept, Accepted, Decline, OwnedProject
from api.site_owner.service import accept, decline
from domain.ids import Prefix
from domain.states import Role
from storage.invitations import Invitations
from storage.projects import Projects

router = APIRouter(prefix="/site-owner", tags=["Site owner"])


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


@router.post(
    "/invitations/accept",
    status_code=HTTPStatus.CREATED,
    summary="Accept an invitation",
    operation_id="acceptInvitation",
    responses=_LINKED
    | problems(
        400,
        401,
        404,
        413,
        422,
        429,
        503,
        **_ENDED,
    ),
)
async def accept_invitation(
    body: Accept, parts: AppParts, address: ClientAddress, response: Response
) -> Accepted:
    """Claim the project of an invitation with the token of the mail.

    It makes the account with the password, or links the account that is there, whose password it
    must be then. A token works once.
    """
    accepted = await accept(
        parts, token=body.token, name=body.name, password=body.password, address=address
    )
    if not accepted.made:
        response.status_code = HTTPStatus.OK
    return Accepted(
        id=accepted.account.id,
        email=accepted.account.email,
        role=accepted.account.role,
        created_at=accepted.account.created_at,
        project_id=accepted.project_id,
    )


@router.post(
    "/invitations/decline",
    summary="Decline an invitation",
    operation_id="declineInvitation",
    responses=problems(400, 404, 413, 422, 429, 503, **_ENDED),
)
async def decline_invitation(
    body: Decline, parts: AppParts, address: ClientAddress
) -> InvitationShown:
    """Refuse an invitation with the token of the mail; the installer is told, with the reason.

    The token then does nothing any more.
    """
    declined = await decline(parts, token=body.token, reason=body.reason, address=address)
    return InvitationShown.of(declined, now=now())


@router.get(
    "/invitations",
    summary="List my invitations",
    operation_id="listMyInvitations",
    responses=problems(401, 403, 422, 503),
)
async def list_my_invitations(
    owner: SiteOwner, parts: AppParts, paging: Paging
) -> Page[InvitationShown]:
    """The invitations that were sent to your e-mail, newest first, and how they stand."""
    moment = now()
    async with parts.database.read() as connection:
        rows = await Invitations(connection).page_of_invited(
            owner.email, before=paging.after_id(Prefix.INVITATION), limit=paging.fetch
        )
    return paging.page(
        rows, lambda one: InvitationShown.of(one, now=moment), lambda invitation: invitation.id
    )


@router.post(
    "/login",
    summary="Log in and obtain a token",
    operation_id="logInSiteOwner",
    responses=problems(400, 401, 413, 422, 429, 503),
)
async def login(body: Login, parts: AppParts, address: ClientAddress) -> LoggedIn:
    """Obtain the site owner's bearer token. It is valid for 24 hours."""
    token, expires_at = await log_in(
        parts, role=Role.SITE_OWNER, email=body.email, password=body.password, address=address
    )
    return LoggedIn(token=token, expires_at=expires_at)


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Log out",
    operation_id="logOutSiteOwner",
    responses=problems(401, 403, 503),
)
async def logout(session: Session, _: SiteOwner, parts: AppParts) -> Response:
    """Revoke the token that the request came with."""
    token, _account = session
    await log_out(parts, token)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/me",
    summary="Who am I",
    operation_id="getSiteOwner",
    responses=problems(401, 403, 503),
)
async def me(owner: SiteOwner) -> Me:
    """Show the account that the token is of."""
    return Me.of(owner)


@router.get(
    "/projects",
    summary="List my projects",
    operation_id="listOwnedProjects",
    responses=problems(401, 403, 422, 503),
)
async def list_projects(owner: SiteOwner, parts: AppParts, paging: Paging) -> Page[OwnedProject]:
    """The projects that you have claimed, newest first."""
    async with parts.database.read() as connection:
        rows = await Projects(connection).page_of_owner(
            site_owner_id=owner.id, before=paging.after_id(Prefix.PROJECT), limit=paging.fetch
        )
    return paging.page(rows, OwnedProject.of, lambda project: project.id)
