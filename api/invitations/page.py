"""The page behind the link of an invitation mail: the invited accept or decline there, by POST.

Opening a link changes nothing, since mail scanners open links too. The token in the path is the
secret of each form, so no other site can send one; :mod:`api.invitations.rendering` has the rest.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.accounts.visitor import AVisitor
from api.deps import AppParts, now
from api.invitations import rendering
from api.invitations.schemas import Accept, Decline
from api.invitations.service import accept, decline
from domain.errors import EngineError, NotFoundError
from domain.states import InvitationStatus, ProjectRole, Role
from domain.tokens import hash_token
from domain.wording import all_wrong
from storage.accounts import Accounts
from storage.invitation_ends import why_not_pending
from storage.invitations import Invitations
from storage.models.accounts import Account
from storage.project_mails import read_invited

router = APIRouter(include_in_schema=False)

_TITLES: Final = {
    InvitationStatus.ACCEPTED: "Accepted already",
    InvitationStatus.DECLINED: "Declined",
    InvitationStatus.REVOKED: "Withdrawn",
    InvitationStatus.REPLACED: "There is a newer invitation",
    InvitationStatus.EXPIRED: "Expired",
}


@router.get("/invitations/{token}")
async def invitation_page(token: str, parts: AppParts) -> HTMLResponse:
    """Show the invitation, or how it ended."""
    return await _show(parts, token)


@router.post("/invitations/{token}/accept")
async def accept_on_page(
    token: str, request: Request, parts: AppParts, visitor: AVisitor
) -> HTMLResponse:
    """Accept with the form's password."""
    given = await form_fields(request)
    try:
        body = Accept(
            token=token, name=given.get("name") or None, password=given.get("password", "")
        )
        accepted = await accept(parts, body, visitor)
    except (ValidationError, EngineError) as error:
        return await _show(parts, token, given=given, error=error)
    async with parts.database.read() as connection:
        project = await read_invited(connection, accepted.project_id)
    email = accepted.account.email
    log_in = how_to_log_in(parts, accepted.account.role)
    if accepted.role is ProjectRole.SERVICE:
        return rendering.notice(
            f"Welcome to {project.name}",
            f"The service visit is yours until it ends. Your account is {email}.",
            log_in,
        )
    if accepted.role is not ProjectRole.SITE_OWNER:
        return rendering.notice(
            f"Welcome to {project.name}",
            f"You work on it as a {accepted.role.value} now. Your account is {email}.",
            log_in,
        )
    return rendering.notice(
        f"Welcome to {project.name}",
        f"You are its owner. Your account is {email}.",
        f"You need do nothing more for now: {project.installer_name} completes the handover next. "
        "Billing and smart charging start with it.",
        log_in,
    )


@router.post("/invitations/{token}/decline")
async def decline_on_page(
    token: str, request: Request, parts: AppParts, visitor: AVisitor
) -> HTMLResponse:
    """Decline with the form's reason."""
    given = await form_fields(request)
    reason = " ".join(given.get("reason", "").split()) or None
    try:
        await decline(parts, Decline(token=token, reason=reason), visitor)
    except (ValidationError, EngineError) as error:
        return await _show(parts, token, given=given, error=error)
    return rendering.notice(
        "You have declined",
        "Who has invited you is told, with the reason if you gave one. This link does nothing any "
        "more.",
    )


async def _show(
    parts: AppParts,
    token: str,
    *,
    given: Mapping[str, str] | None = None,
    error: ValidationError | EngineError | None = None,
) -> HTMLResponse:
    try:
        async with parts.database.read() as connection:
            invitation = await Invitations(connection).by_token(hash_token(token))
            project = await read_invited(
                connection,
                invitation.project_id,
                service_visit_id=invitation.service_visit_id,
            )
            account = await Accounts(connection).by_email(
                invitation.role.account_role, invitation.email
            )
    except NotFoundError as unknown:
        return rendering.notice("Not a valid link", unknown.detail, status=HTTPStatus.NOT_FOUND)
    status = invitation.status_at(now())
    if status is not InvitationStatus.PENDING:
        return rendering.notice(
            _TITLES[status],
            f"This is about {project.name}, {project.address}.",
            how_to_log_in(parts, invitation.role.account_role)
            if status is InvitationStatus.ACCEPTED
            else why_not_pending(status).detail,
            status=HTTPStatus.GONE,
        )
    return rendering.form(
        invitation,
        project,
        token=token,
        account=_account_of(account),
        given=given,
        wrong=None if error is None else what_is_wrong(error),
        status=status_of(error),
    )


def _account_of(account: Account | None) -> rendering.HasAccount:
    if account is None:
        return rendering.HasAccount.NONE
    if account.verified_at is None:
        return rendering.HasAccount.UNPROVEN
    return rendering.HasAccount.PROVEN


def how_to_log_in(parts: AppParts, role: Role) -> str:
    """Say what an account is good for: there is no page to log in on."""
    side = role.value.replace("_", "-")
    address = f"{parts.settings.public_api_url.rstrip('/')}/api/v1/{side}/login"
    return (
        "There is no page to log in on: the account is for software that uses the API, which logs "
        f"in with its e-mail and its password at {address}."
    )


def what_is_wrong(error: ValidationError | EngineError) -> rendering.Wrong:
    """Say what is wrong with a form, and of which field."""
    if isinstance(error, EngineError):
        if error.code == "login_failed":
            return rendering.Wrong(
                text="The password is wrong. It is the one of the account that you have already.",
                field="password",
            )
        return rendering.Wrong(text=error.detail)
    first = all_wrong(error.errors())[0]
    return rendering.Wrong(
        text=f"The {first.name} {first.words.removesuffix('.')}.", field=first.name
    )


def status_of(error: ValidationError | EngineError | None) -> int:
    """The status of the page that says so."""
    if error is None:
        return HTTPStatus.OK
    return error.status if isinstance(error, EngineError) else HTTPStatus.UNPROCESSABLE_ENTITY


async def form_fields(request: Request) -> dict[str, str]:
    """Read an urlencoded form; of a field given twice the first counts, nonsense is no field."""
    text = (await request.body()).decode(errors="replace")
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=10).items()}
    except ValueError:
        return {}
