"""The pages behind the links of mails about accounts: a new password, the proof of an address.

Opening a link changes nothing, since mail scanners open links too; the token in the path is the
secret of each form. As :mod:`api.invitations.page`, whose style these have.
"""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.accounts import credentials
from api.accounts.schemas import PasswordReset, ResetRequest
from api.accounts.visitor import AVisitor, Visitor, remember
from api.deps import AppParts
from api.invitations import rendering
from api.invitations.page import form_fields, how_to_log_in, status_of, what_is_wrong
from api.parts import Parts
from domain.accounts import LetterPurpose
from domain.errors import EngineError, NotFoundError
from domain.states import Role

router = APIRouter(include_in_schema=False)

_OF: Final = "api.accounts"
_KINDS: Final = {Role.INSTALLER: "installer", Role.SITE_OWNER: "site owner"}


@router.get("/password-resets")
async def forgotten_page() -> HTMLResponse:
    """Ask whose password is forgotten."""
    return _forgotten("Forgotten your password?")


@router.post("/password-resets")
async def forget_on_page(request: Request, parts: AppParts, visitor: AVisitor) -> HTMLResponse:
    """Have the mail sent; an address may have an account of either kind."""
    given = (await form_fields(request)).get("email", "")
    try:
        email = ResetRequest(email=given).email
        await credentials.ask_for_reset(parts, email, list(Role), visitor)
    except (ValidationError, EngineError) as error:
        return _forgotten("Forgotten your password?", email=given, error=error)
    return rendering.notice("Look into your mail", credentials.ASKED)


@router.get("/password-resets/{token}")
async def password_page(token: str, parts: AppParts, visitor: AVisitor) -> HTMLResponse:
    """Ask for the new password."""
    return await _new_password(parts, token, visitor)


@router.post("/password-resets/{token}")
async def reset_on_page(
    token: str, request: Request, parts: AppParts, visitor: AVisitor
) -> HTMLResponse:
    """Set the password of the form."""
    given = (await form_fields(request)).get("new_password", "")
    try:
        body = PasswordReset(token=token, new_password=given)
        account = await credentials.reset_password(parts, body, visitor)
    except (ValidationError, EngineError) as error:
        return await _new_password(parts, token, visitor, error=error)
    answer = rendering.notice(
        "Your password is set",
        f"Your account is {account.email}. Everybody who was logged in to it is logged out.",
        how_to_log_in(parts, account.role),
    )
    remember(answer, parts, visitor, account)
    return answer


@router.get("/verifications/{token}")
async def verification_page(token: str, parts: AppParts, visitor: AVisitor) -> HTMLResponse:
    """Ask whether the address is theirs."""
    try:
        account = await credentials.account_of_code(
            parts, token, LetterPurpose.VERIFICATION, visitor=visitor
        )
    except EngineError as error:
        return rendering.notice("Not a valid link", error.detail, status=error.status)
    return rendering.page(
        "verification.html",
        "Is this your address?",
        HTTPStatus.OK,
        of=_OF,
        token=token,
        kind=_KINDS[account.role],
        email=account.email,
    )


@router.post("/verifications/{token}")
async def verify_on_page(token: str, parts: AppParts, visitor: AVisitor) -> HTMLResponse:
    """Note that it is."""
    try:
        account = await credentials.verify_email(parts, token=token, visitor=visitor)
    except EngineError as error:
        return rendering.notice("Not a valid link", error.detail, status=error.status)
    return rendering.notice("Thank you", f"{account.email} is verified. You need do nothing more.")


async def _new_password(
    parts: Parts,
    token: str,
    visitor: Visitor,
    *,
    error: ValidationError | EngineError | None = None,
) -> HTMLResponse:
    try:
        account = await credentials.account_of_code(
            parts, token, LetterPurpose.RESET, visitor=visitor
        )
    except NotFoundError as invalid:
        return _forgotten("This link does nothing any more", error=invalid)
    except EngineError as refused:
        return rendering.notice("Not now", refused.detail, status=refused.status)
    return rendering.page(
        "password.html",
        "Choose a new password",
        status_of(error),
        of=_OF,
        token=token,
        kind=_KINDS[account.role],
        email=account.email,
        wrong=None if error is None else what_is_wrong(error),
    )


def _forgotten(
    title: str, *, email: str = "", error: ValidationError | EngineError | None = None
) -> HTMLResponse:
    wrong = None if error is None else what_is_wrong(error)
    if isinstance(error, NotFoundError):
        wrong = rendering.Wrong(
            text="It was used, a newer password was set since, or it is older than an hour. Have a "
            "new one sent to you here."
        )
    return rendering.page(
        "forgotten.html", title, status_of(error), of=_OF, email=email, wrong=wrong
    )
