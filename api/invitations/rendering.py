"""The HTML of the pages behind the links of mails: no script, no image, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from fastapi.responses import HTMLResponse

from documents.templates import templates
from domain.invitations import InvitedProject, day
from domain.states import ProjectRole, Role
from storage.models.invitations import Invitation

_STYLE: Final = files(__package__).joinpath("invitation.css").read_text(encoding="utf-8")
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Robots-Tag": "noindex",
}
_PURPOSES: Final = {
    ProjectRole.SITE_OWNER: "take over",
    ProjectRole.LEAD: "work, as a lead, on",
    ProjectRole.TECHNICIAN: "work, as a technician, on",
    ProjectRole.SERVICE: "do service, for this visit, at",
}
_ACCOUNTS: Final = {Role.SITE_OWNER: "site owner", Role.INSTALLER: "installer"}


class HasAccount(StrEnum):
    """Whether the invited has an account, and whether somebody has proven its address."""

    NONE = "none"
    UNPROVEN = "unproven"
    PROVEN = "proven"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """What is wrong with a form that was sent: of which field, if of one."""

    text: str
    field: str | None = None


def notice(title: str, *sentences: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    """Show a page that only says something."""
    return page("notice.html", title, status, sentences=sentences)


def stopping(*, token: str, stopped: bool, own: bool, names: Sequence[str]) -> HTMLResponse:
    """Show the page that stops mail of an account, or allows it again.

    ``own``: the account has the reader's address, which nobody has proven; one of its codes a
    week comes.
    """
    title = "These mails are stopped" if stopped else "Stop mail of an account?"
    return page(
        "stop.html", title, HTTPStatus.OK, token=token, stopped=stopped, own=own, names=names
    )


def form(
    invitation: Invitation,
    project: InvitedProject,
    *,
    token: str,
    account: HasAccount,
    given: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """Show a pending invitation, with the forms that accept and decline it.

    ``given`` is what was typed before, ``wrong`` what was wrong with it.
    """
    ends, visit_ends = project.last(invitation.expires_at), project.visit_ends_at
    typed = {"name": "", "reason": ""} | dict(given or {})  # a password is never sent back
    return page(
        "invitation.html",
        f"Invitation to {project.name}",
        status,
        purpose=_PURPOSES[invitation.role],
        invitation=invitation,
        kind=_ACCOUNTS[invitation.role.account_role],
        project=project,
        beyond=project.charge_point_count - len(project.charge_points),
        until=f"{day(ends)}, {ends:%H:%M} UTC",
        visit_until=visit_ends and f"{day(visit_ends)}, {visit_ends:%H:%M} UTC",
        token=token,
        account=account.value,
        given=typed,
        wrong=wrong,
    )


def page(
    template: str, title: str, status: int, *, of: str = "api.invitations", **names: Any
) -> HTMLResponse:
    """Show a page in our style, of a template in that package or here; its address is secret."""
    found = templates(of, "api.invitations").get_template(template)
    return HTMLResponse(
        found.render(title=title, style=_STYLE, **names), status_code=status, headers=_HEADERS
    )
