"""Endpoints of installers' accounts."""

from http import HTTPStatus

from fastapi import APIRouter

from api.accounts import credentials
from api.accounts.schemas import AccountCreated, Code, MailAsked, Me, Signup
from api.accounts.security import login_router
from api.accounts.service import sign_up
from api.accounts.visitor import AVisitor
from api.deps import AppParts, InstallerCall
from api.mail.admission import RECIPIENT_BLOCKED
from api.problems import problem_of, problems
from domain.states import Role

router = APIRouter(prefix="/installer", tags=["Installer account"])


@router.post(
    "/signup",
    status_code=HTTPStatus.CREATED,
    summary="Create an installer account",
    operation_id="signUpInstaller",
    responses=problems(429, email_taken="An account with this e-mail exists. Log in instead."),
)
async def signup(body: Signup, parts: AppParts, visitor: AVisitor) -> AccountCreated:
    """Register a new installer account. You only need to do this once."""
    return AccountCreated.of(await sign_up(parts, body, visitor))


router.include_router(login_router(Role.INSTALLER))


@router.post(
    "/verification",
    status_code=HTTPStatus.ACCEPTED,
    summary="Have my e-mail verified",
    operation_id="askForVerification",
    responses=problems(
        429,
        already_verified="The e-mail is verified. There is nothing to do.",
        recipient_blocked=RECIPIENT_BLOCKED,
    ),
)
async def ask_for_verification(call: InstallerCall) -> MailAsked:
    """Have the mail sent, or sent again, whose link shows that the address is yours.

    Without a mail server it becomes a file, as every mail. An invitation that you accept, and a
    password that you set by mail, show the same.
    """
    await credentials.ask_for_verification(call.parts, call.account)
    return MailAsked(
        email=call.account.email,
        detail="A mail is on its way with a link that works for three days.",
    )


@router.post(
    "/verification/complete",
    summary="Verify an e-mail with the code of a mail",
    operation_id="verifyEmail",
    responses=problems(429)
    | problem_of(
        404,
        "verification_code_invalid",
        "The code is too old, or was never one. Have a new one mailed to you.",
    ),
)
async def verify_email(body: Code, parts: AppParts, visitor: AVisitor) -> Me:
    """Show with the code that you read the mail of the address. It needs no token."""
    return Me.of(await credentials.verify_email(parts, token=body.token, visitor=visitor))
