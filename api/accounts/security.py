"""Endpoints of an account, for installers and site owners: login, password, sessions, history."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from api.accounts import credentials
from api.accounts.schemas import (
    AccountEventShown,
    LoggedIn,
    Login,
    LoginShown,
    MailAsked,
    Me,
    PasswordChange,
    PasswordReset,
    ResetRequest,
)
from api.accounts.service import authenticate, open_session
from api.accounts.visitor import AVisitor, remember
from api.deps import ONLY, AnyCall, AppParts, now
from api.pagination import Page, Paging
from api.problems import problem_of, problems
from domain.accounts import AccountEvent
from domain.errors import NotFoundError
from domain.ids import Prefix, is_id
from domain.states import Role
from domain.user_agents import device_of
from storage.accounts import AccountEvents
from storage.sessions import AccountSessions, RevokedTokens

PASSWORD_WRONG: Final = problem_of(403, "password_wrong", "The present password is wrong.")
SessionId = Annotated[str, Path(examples=["ses_01HX3KABCDEFGHJKMN"])]
_OF: Final = {
    Role.INSTALLER: ("/installer", "Installer account", "Installer"),
    Role.SITE_OWNER: ("/site-owner", "Site owner", "SiteOwner"),
}
_TOKEN_OF: Final = {
    Role.INSTALLER: "Obtain the bearer token for all further requests.",
    Role.SITE_OWNER: "Obtain the site owner's bearer token.",
}
_LOGIN: Final = """\
{} It is valid until `expires_at`.

The cookie of the answer, or an earlier token in `Authorization`, lets you log in while others
guess at your password."""


def login_router(role: Role) -> APIRouter:
    """Make the routes by which those with this role come and go."""
    who = _OF[role][2]
    router, only = APIRouter(), ONLY[role]

    @router.post(
        "/login",
        summary="Log in and obtain a token",
        operation_id=f"logIn{who}",
        description=_LOGIN.format(_TOKEN_OF[role]),
        responses=problems(401, 429),
    )
    async def login(
        body: Login, parts: AppParts, visitor: AVisitor, response: Response
    ) -> LoggedIn:
        account = await authenticate(
            parts, role=role, email=body.email, password=body.password, visitor=visitor
        )
        login = await open_session(parts, account, visitor)
        remember(response, parts, visitor, account)
        return LoggedIn.of(login)

    @router.post(
        "/logout",
        status_code=HTTPStatus.NO_CONTENT,
        summary="Log out",
        operation_id=f"logOut{who}",
        dependencies=only,
    )
    async def logout(call: AnyCall) -> Response:
        """Revoke the token that the request came with."""
        token, at = call.token, now()
        async with call.write() as connection:
            if not await AccountSessions(connection, token.account_id).end(token.id, now=at):
                await RevokedTokens(connection).revoke(
                    token.id, expires_at=token.expires_at, now=at
                )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get("/me", summary="Who am I", operation_id=f"get{who}", dependencies=only)
    async def me(call: AnyCall) -> Me:
        """Show the account that the token is of."""
        return Me.of(call.account)

    return router


def security_router(role: Role) -> APIRouter:
    """Make the routes for those with this role; `who` tells the operations of both apart."""
    prefix, tag, who = _OF[role]
    router, only = APIRouter(prefix=prefix, tags=[tag]), ONLY[role]

    @router.post(
        "/password",
        summary="Change my password",
        operation_id=f"changePassword{who}",
        dependencies=only,
        responses=problems(429)
        | PASSWORD_WRONG
        | problems(changed_meanwhile="Another request was faster. Log in with that one."),
    )
    async def change_password(
        call: AnyCall, body: PasswordChange, visitor: AVisitor, response: Response
    ) -> LoggedIn:
        """Give the present password and another. Go on with the token of the answer.

        Every token that was issued before is void, this request's too, and a mail tells you.
        """
        login = await credentials.change_password(call, body, visitor)
        remember(response, call.parts, visitor, login.account)
        return LoggedIn.of(login)

    @router.post(
        "/password-resets",
        status_code=HTTPStatus.ACCEPTED,
        summary="Have the way to a new password mailed",
        operation_id=f"askForPasswordReset{who}",
    )
    async def ask_for_reset(body: ResetRequest, parts: AppParts, visitor: AVisitor) -> MailAsked:
        """The mail has a link whose code sets another password, once, within an hour.

        The answer is the same whether the address has an account. Three mails an hour are sent to
        one address; the codes in them go on working.
        """
        await credentials.ask_for_reset(parts, body.email, [role], visitor)
        return MailAsked(email=body.email, detail=credentials.ASKED)

    @router.post(
        "/password-resets/complete",
        summary="Set a password with the code of a mail",
        operation_id=f"resetPassword{who}",
        responses=problems(429)
        | problem_of(
            404,
            "reset_code_invalid",
            "The code was used, is too old, or was never one. Have a new one mailed to you.",
        ),
    )
    async def reset_password(
        body: PasswordReset, parts: AppParts, visitor: AVisitor, response: Response
    ) -> LoggedIn:
        """Set another password, and be logged in. Every token that was issued before is void."""
        account = await credentials.reset_password(parts, body, visitor, role=role)
        remember(response, parts, visitor, account)
        return LoggedIn.of(await open_session(parts, account, visitor))

    @router.get(
        "/sessions",
        summary="List where I am logged in",
        operation_id=f"listSessions{who}",
        dependencies=only,
    )
    async def list_sessions(call: AnyCall, paging: Paging) -> Page[LoginShown]:
        """Each login that has not expired or been ended, newest first."""
        async with call.read() as connection:
            rows = await AccountSessions(connection, call.account.id).page(
                now=now(), before=paging.after_id(Prefix.SESSION), limit=paging.fetch
            )
        return paging.page(
            rows,
            lambda one: LoginShown.of(
                one, device=device_of(one.user_agent), current=one.id == call.token.id
            ),
            lambda one: one.id,
        )

    @router.delete(
        "/sessions",
        status_code=HTTPStatus.NO_CONTENT,
        summary="Log out everywhere else",
        operation_id=f"endOtherSessions{who}",
        dependencies=only,
    )
    async def end_others(call: AnyCall, visitor: AVisitor) -> Response:
        """End every session but the one that the request comes from."""
        at = now()
        async with call.write() as connection:
            sessions = AccountSessions(connection, call.account.id)
            if await sessions.end_others(call.token.id, now=at):
                await AccountEvents(connection, call.account.id).write(
                    AccountEvent.SESSIONS_REVOKED, at=at, address=visitor.address
                )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.delete(
        "/sessions/{session_id}",
        status_code=HTTPStatus.NO_CONTENT,
        summary="Log a session out",
        operation_id=f"endSession{who}",
        dependencies=only,
    )
    async def end_one(call: AnyCall, session_id: SessionId, visitor: AVisitor) -> Response:
        """End a session: its token is refused from now on. It may be your own."""
        at = now()
        async with call.write() as connection:
            sessions = AccountSessions(connection, call.account.id)
            if not is_id(Prefix.SESSION, session_id) or not (
                await sessions.end(session_id, now=at)
            ):
                raise NotFoundError("session_not_found", "You have no session with this id.")
            await AccountEvents(connection, call.account.id).write(
                AccountEvent.SESSION_REVOKED, at=at, address=visitor.address
            )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get(
        "/account-events",
        summary="Read what happened to my account",
        operation_id=f"listAccountEvents{who}",
        dependencies=only,
    )
    async def list_events(call: AnyCall, paging: Paging) -> Page[AccountEventShown]:
        """New passwords, a proven address, sessions that were ended: when and from where."""
        async with call.read() as connection:
            rows = await AccountEvents(connection, call.account.id).page(
                before=paging.after_number(), limit=paging.fetch
            )
        return paging.page(rows, AccountEventShown.of, lambda one: str(one.id))

    return router
