"""The HTML of the page behind an invitation's link: no script, no image, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from fastapi.responses import HTMLResponse

from domain.invitations import InvitedChargePoint, InvitedProject, day
from domain.states import ProjectRole, Role
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
_ACCOUNTS: Final = {Role.SITE_OWNER: "site owner", Role.INSTALLER: "installer"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """What is wrong with a form that was sent: of which field, if of one."""

    text: str
    field: str | None = None


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
    given: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """Show a pending invitation, with the forms that accept and decline it.

    ``given`` is what was typed before, ``wrong`` what was wrong with it.
    """
    here = f"/invitations/{escape(token)}"
    fields = _Fields(given or {}, wrong)
    alert = f'<p class="error" role="alert">{escape(wrong.text)}</p>' if wrong else ""
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
    email = invitation.email
    ask = _log_in(email, fields) if has_account else _sign_up(invitation, fields)
    reason = fields.typed("reason")
    is_owner = invitation.role is ProjectRole.SITE_OWNER
    purpose = "take over" if is_owner else f"work, as a {invitation.role.value}, on"
    return _page(
        f"Invitation to {project.name}",
        f"""\
<p class="quiet">{escape(project.installer_name)} invites you to {purpose}</p>
<h1>{escape(project.name)}</h1>
<p class="quiet">{escape(project.address)}</p>
{alert}
{message}
<h2>Charge points</h2>
<ul>{rows or "<li>None is registered yet.</li>"}</ul>
<h2>Accept</h2>
<form method="post" action="{here}/accept">
{ask}
<button>Accept the invitation</button>
</form>
<p class="quiet">The invitation is valid until {day(invitation.expires_at)},
{invitation.expires_at:%H:%M} UTC. It works once.</p>
<details{" open" if reason or fields.is_wrong("reason") else ""}>
<summary>I do not want it</summary>
<form method="post" action="{here}/decline">
{fields.note("reason")}
<label>Reason <small>(optional; {escape(project.installer_name)} reads it)</small>
<textarea name="reason" rows="3" maxlength="500"{fields.marks("reason")}>{reason}</textarea></label>
<button class="plain">Decline the invitation</button>
</form>
</details>""",
        status=status,
    )


class _Fields:
    """What the fields of the forms hold, and what is wrong with one of them."""

    def __init__(self, given: Mapping[str, str], wrong: Wrong | None) -> None:
        self._given = given
        self._wrong = wrong

    def typed(self, name: str) -> str:
        """What was typed, as HTML; a password is never sent back."""
        return escape(self._given.get(name, ""))

    def is_wrong(self, name: str) -> bool:
        """Whether that field is what is wrong."""
        return self._wrong is not None and self._wrong.field == name

    def marks(self, name: str) -> str:
        """Attributes of a wrong field: the page opens at it, and readers say what is wrong."""
        if not self.is_wrong(name):
            return ""
        return f' autofocus aria-invalid="true" aria-describedby="{name}-wrong"'

    def note(self, name: str) -> str:
        """What is wrong with a field, to stand above it: below is what a keyboard covers."""
        if self._wrong is None or not self.is_wrong(name):
            return ""
        return f'<p class="wrong" id="{name}-wrong">{escape(self._wrong.text)}</p>'


def _log_in(email: str, fields: _Fields) -> str:
    return f"""\
<p>You have an account already. Log in with its password to accept.</p>
<input type="hidden" name="username" value="{escape(email)}" autocomplete="username">
{fields.note("password")}
<label>Password of {escape(email)}
<input name="password" type="password" required maxlength="128"
 autocomplete="current-password"{fields.marks("password")}></label>"""


def _sign_up(invitation: Invitation, fields: _Fields) -> str:
    email = invitation.email
    kind = _ACCOUNTS[invitation.role.account_role]
    return f"""\
<p>Choose a password for your new {kind} account, <strong>{escape(email)}</strong>.</p>
<input type="hidden" name="username" value="{escape(email)}" autocomplete="username">
{fields.note("name")}
<label>Your name <small>(optional)</small>
<input name="name" autocomplete="name" maxlength="200" value="{fields.typed("name")}"\
{fields.marks("name")}></label>
{fields.note("password")}
<label>Password <small>(at least 10 characters)</small>
<input name="password" type="password" required minlength="10" maxlength="128"
 autocomplete="new-password"{fields.marks("password")}></label>"""


def _row(one: InvitedChargePoint) -> str:
    what = f"{one.device}, {one.place}" if one.place else one.device
    verdict, tone = one.verdict
    return (
        f"<li><strong>{escape(one.serial_number)}</strong>"
        f'<strong class="{tone.value}">{escape(verdict)}</strong>'
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
