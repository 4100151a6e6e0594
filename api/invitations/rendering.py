"""The HTML of the page behind an invitation's link: no script, no image, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from fastapi.responses import HTMLResponse

from domain.invitations import InvitedChargePoint, InvitedProject
from domain.states import ChargePointStatus, ProjectRole, Role
from storage.invitations import Invitation

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
_VERDICTS: Final = {
    ChargePointStatus.COMMISSIONED: "Tested, passed",
    ChargePointStatus.COMMISSIONING: "Being tested",
    ChargePointStatus.COMMISSIONING_FAILED: "Has not passed its test yet",
    ChargePointStatus.REGISTERED: "Not tested yet",
}


_ACCOUNTS: Final = {Role.SITE_OWNER: "site owner", Role.INSTALLER: "installer"}


def notice(title: str, *sentences: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    """Show a page that only says something."""
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return _page(title, f"<h1>{escape(title)}</h1>{said}", status=status)


def form(
    invitation: Invitation,
    project: InvitedProject,
    *,
    token: str,
    has_account: bool,
    error: str | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """Show a pending invitation, with the forms that accept and decline it."""
    here = f"/invitations/{escape(token)}"
    wrong = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    message = ""
    if invitation.message:
        message = (
            f'<p class="quiet">{escape(project.installer_name)} writes:</p>'
            f"<blockquote>{escape(invitation.message)}</blockquote>"
        )
    rows = "".join(_row(one) for one in project.charge_points)
    beyond = project.charge_point_count - len(project.charge_points)
    if beyond > 0:
        rows += f"<li>and {beyond} more</li>"
    ask = _log_in(invitation.email) if has_account else _sign_up(invitation)
    is_owner = invitation.role is ProjectRole.SITE_OWNER
    purpose = "take over" if is_owner else f"work, as a {invitation.role.value}, on"
    return _page(
        f"Invitation to {project.name}",
        f"""\
<p class="quiet">{escape(project.installer_name)} invites you to {purpose}</p>
<h1>{escape(project.name)}</h1>
<p class="quiet">{escape(project.address)}</p>
{wrong}
{message}
<h2>Charge points</h2>
<ul>{rows or "<li>None is registered yet.</li>"}</ul>
<h2>Accept</h2>
<form method="post" action="{here}/accept">
{ask}
<button>Accept the invitation</button>
</form>
<p class="quiet">The invitation is valid until {invitation.expires_at:%d %B %Y, %H:%M} UTC. It works
once.</p>
<details>
<summary>I do not want it</summary>
<form method="post" action="{here}/decline">
<label>Reason <small>(optional; {escape(project.installer_name)} reads it)</small>
<textarea name="reason" rows="3" maxlength="500"></textarea></label>
<button class="plain">Decline the invitation</button>
</form>
</details>""",
        status=status,
    )


def _log_in(email: str) -> str:
    return f"""\
<p>You have an account already. Log in with its password to accept.</p>
<input type="hidden" name="username" value="{escape(email)}" autocomplete="username">
<label>Password of {escape(email)}
<input name="password" type="password" required maxlength="128"
 autocomplete="current-password"></label>"""


def _sign_up(invitation: Invitation) -> str:
    email = invitation.email
    kind = _ACCOUNTS[invitation.role.account_role]
    return f"""\
<p>Choose a password for your new {kind} account, <strong>{escape(email)}</strong>.</p>
<input type="hidden" name="username" value="{escape(email)}" autocomplete="username">
<label>Your name <small>(optional)</small>
<input name="name" autocomplete="name" maxlength="200"></label>
<label>Password <small>(at least 10 characters)</small>
<input name="password" type="password" required minlength="10" maxlength="128"
 autocomplete="new-password"></label>"""


def _row(one: InvitedChargePoint) -> str:
    what = f"{one.device}, {one.place}" if one.place else one.device
    return (
        f"<li><strong>{escape(one.serial_number)}</strong>"
        f'<strong class="{one.status.value}">{_VERDICTS[one.status]}</strong>'
        f"<span>{escape(what)}</span></li>"
    )


def _page(title: str, content: str, *, status: int) -> HTMLResponse:
    return HTMLResponse(
        f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
""",
        status_code=status,
        headers=_HEADERS,
    )
