"""The page behind the link of an invitation mail: the invited accept or decline there, by POST.

Opening a link changes nothing, since mail scanners open links too. The token in the path is the
secret of each form, so no other site can send one; :mod:`api.invitations.rendering` has the rest.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.deps import AppParts, ClientAddress, now
from api.invitations import rendering
from api.invitations.schemas import Accept, Decline
from api.invitations.service import accept, decline
from api.security.passwords import MIN_LENGTH
from domain.errors import EngineError, NotFoundError
from domain.states import InvitationStatus, ProjectRole
from domain.tokens import hash_token
from storage.accounts import Accounts
from storage.invitations import Invitations, why_not_pending
from storage.invited import read_invited

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
    token: str, request: Request, parts: AppParts, address: ClientAddress
) -> HTMLResponse:
    """Accept with the form's password."""
    given = await _fields(request)
    try:
        body = Accept(
            token=token, name=given.get("name") or None, password=given.get("password", "")
        )
        accepted = await accept(
            parts, token=token, name=body.name, password=body.password, address=address
        )
    except (ValidationError, EngineError) as error:
        return await _show(parts, token, error=error)
    if accepted.role is not ProjectRole.SITE_OWNER:
        return rendering.notice(
            "Welcome",
            f"You work on the project as a {accepted.role.value} now: log in as "
            f"{accepted.account.email}.",
        )
    return rendering.notice(
        "Welcome",
        f"The site is yours to claim: you can log in as {accepted.account.email} now.",
        "Your installer completes the handover next. Billing and smart charging start with it.",
    )


@router.post("/invitations/{token}/decline")
async def decline_on_page(
    token: str, request: Request, parts: AppParts, address: ClientAddress
) -> HTMLResponse:
    """Decline with the form's reason."""
    given = await _fields(request)
    reason = " ".join(given.get("reason", "").split()) or None
    try:
        body = Decline(token=token, reason=reason)
        await decline(parts, token=token, reason=body.reason, address=address)
    except (ValidationError, EngineError) as error:
        return await _show(parts, token, error=error)
    return rendering.notice(
        "You have declined",
        "Who has invited you is told, with the reason if you gave one. This link does nothing any "
        "more.",
    )


async def _show(
    parts: AppParts, token: str, *, error: ValidationError | EngineError | None = None
) -> HTMLResponse:
    try:
        async with parts.database.read() as connection:
            invitation = await Invitations(connection).by_token(hash_token(token))
            project = await read_invited(connection, invitation.project_id)
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
            why_not_pending(status).detail,
            status=HTTPStatus.GONE,
        )
    return rendering.form(
        invitation,
        project,
        token=token,
        has_account=account is not None,
        error=None if error is None else _said(error),
        status=_status_of(error),
    )


def _said(error: ValidationError | EngineError) -> str:
    if isinstance(error, EngineError):
        if error.code == "login_failed":
            return "The password is wrong. It is the one of the account that you have already."
        return error.detail
    wrong = error.errors()[0]
    if wrong["type"] == "string_too_short":
        return f"The password needs at least {MIN_LENGTH} characters."
    return f"{str(wrong['loc'][-1]).capitalize()}: {wrong['msg']}."


def _status_of(error: ValidationError | EngineError | None) -> int:
    if error is None:
        return HTTPStatus.OK
    return error.status if isinstance(error, EngineError) else HTTPStatus.UNPROCESSABLE_ENTITY


async def _fields(request: Request) -> dict[str, str]:
    """Read an urlencoded form; of a field given twice the first counts, nonsense is no field."""
    text = (await request.body()).decode(errors="replace")
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=10).items()}
    except ValueError:
        return {}
