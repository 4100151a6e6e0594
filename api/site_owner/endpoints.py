"""Endpoints of the site owner's side."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from api.accounts.schemas import LoggedIn, Login, Me
from api.accounts.service import log_in, log_out
from api.accounts.visitor import AVisitor, remember
from api.deps import AppParts, Session, SiteOwner
from api.pagination import Page, Paging
from api.problems import problems
from api.site_owner.schemas import OwnedProject
from domain.ids import Prefix
from domain.states import Role
from storage.projects import Projects

router = APIRouter(prefix="/site-owner", tags=["Site owner"])


@router.post(
    "/login",
    summary="Log in and obtain a token",
    operation_id="logInSiteOwner",
    responses=problems(401, 429),
)
async def login(body: Login, parts: AppParts, visitor: AVisitor, response: Response) -> LoggedIn:
    """Obtain the site owner's bearer token. It is valid until `expires_at`.

    The cookie of the answer, or an earlier token in `Authorization`, lets you log in while others
    guess at your password.
    """
    login = await log_in(
        parts, role=Role.SITE_OWNER, email=body.email, password=body.password, visitor=visitor
    )
    remember(response, parts, visitor, login.account)
    return LoggedIn(token=login.token, expires_at=login.expires_at)


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Log out",
    operation_id="logOutSiteOwner",
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
)
async def me(owner: SiteOwner) -> Me:
    """Show the account that the token is of."""
    return Me.of(owner)


@router.get(
    "/projects",
    summary="List my projects",
    operation_id="listOwnedProjects",
)
async def list_projects(owner: SiteOwner, parts: AppParts, paging: Paging) -> Page[OwnedProject]:
    """The projects that you have claimed, newest first."""
    async with parts.database.read() as connection:
        rows = await Projects(connection).page_of_owner(
            site_owner_id=owner.id, before=paging.after_id(Prefix.PROJECT), limit=paging.fetch
        )
    return paging.page(rows, OwnedProject.of, lambda project: project.id)
