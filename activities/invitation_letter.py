"""The mail that invites somebody to a project: text and HTML of equal content.

The HTML has its styles inline, no image and nothing from elsewhere, so it looks the same in a
reader that blocks all of that; and nobody is told that it was opened.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from activities.letters import Letter
from domain.invitations import InvitationDraft, InvitedChargePoint, Tone, day
from domain.states import ProjectRole

_COLOURS: Final = {
    Tone.GOOD: "#1a7f4b",
    Tone.OPEN: "#8a5a00",
    Tone.BAD: "#b3261e",
    Tone.QUIET: "#55606b",
}
# A long word would widen a table beyond the screen; old readers know one of the two alone.
_WRAPS: Final = "overflow-wrap:anywhere;word-break:break-word"
_FONT: Final = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def invitation_letter(draft: InvitationDraft, *, link: str) -> Letter:
    """Invite a site owner to take their charge points over, or a colleague to work on them."""
    return Letter(
        subject=_subject(draft),
        text=_text(draft, link),
        html=_html(draft, link),
    )


def _text(draft: InvitationDraft, link: str) -> str:
    lines = ["Hello,", "", _intro(draft), ""]
    if draft.message:
        lines += [f"{draft.project.installer_name} writes:", ""]
        lines += [f"  {line}".rstrip() for line in draft.message.splitlines()]
        lines += [""]
    lines += [draft.project.name, draft.project.address, ""]
    for one in draft.project.charge_points:
        lines.append(f"  {one.serial_number}: {one.verdict[0]}")
        lines.append(f"    {_what(one)}")
    lines += [f"  {more}" for more in _more(draft)]
    lines += [
        "",
        "See the invitation, and accept or decline it:",
        "",
        f"  {link}",
        "",
        *_small_print(draft),
        "",
    ]
    return "\n".join(lines)


def _html(draft: InvitationDraft, link: str) -> str:
    project = draft.project
    rows = "".join(_row(one) for one in project.charge_points)
    rows += "".join(
        f'<tr><td colspan="2" style="padding:10px 0;color:#55606b">{escape(more)}</td></tr>'
        for more in _more(draft)
    )
    message = ""
    if draft.message:
        message = (
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
            'style="margin:0 0 24px"><tr><td style="border-left:4px solid #0b5cad;'
            'background:#eef4fb;padding:14px 18px;color:#17212b">'
            f'<div style="font-size:13px;color:#55606b;padding-bottom:4px">'
            f"{escape(project.installer_name)} writes:</div>"
            f"{_lines(draft.message)}</td></tr></table>"
        )
    small = "".join(
        f'<p style="margin:0 0 6px">{escape(sentence)}</p>' for sentence in _small_print(draft)
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{escape(_subject(draft))}</title>
</head>
<body style="margin:0;padding:0;background:#eef1f4">
<div style="display:none;max-height:0;overflow:hidden">{escape(_intro(draft))}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#eef1f4">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
 style="max-width:600px;background:#ffffff;border-radius:10px;{_FONT};font-size:16px;
line-height:1.5;color:#17212b;text-align:left;{_WRAPS}">
<tr><td style="padding:32px 32px 8px">
<p style="margin:0 0 16px">Hello,</p>
<p style="margin:0 0 24px">{escape(_intro(draft))}</p>
{message}
<h1 style="margin:0;font-size:20px;line-height:1.3">{escape(project.name)}</h1>
<p style="margin:0 0 12px;color:#55606b">{escape(project.address)}</p>
<table width="100%" cellpadding="0" cellspacing="0"
 style="border-collapse:collapse;font-size:15px">{rows}</table>
</td></tr>
<tr><td align="center" style="padding:24px 32px">
<a href="{escape(link)}" style="display:inline-block;background:#0b5cad;color:#ffffff;
text-decoration:none;font-weight:600;padding:14px 28px;border-radius:6px">See the invitation</a>
</td></tr>
<tr><td style="padding:0 32px 28px;font-size:13px;color:#55606b">
<p style="margin:0 0 6px">There you accept or decline it. If the button does nothing, copy this
address into your browser:</p>
<p style="margin:0 0 16px;word-break:break-all">{escape(link)}</p>
{small}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""


def _row(one: InvitedChargePoint) -> str:
    verdict, tone = one.verdict
    return (
        '<tr><td style="padding:10px 12px 10px 0;border-top:1px solid #dde3e9">'
        f"<strong>{escape(one.serial_number)}</strong><br>"
        f'<span style="font-size:13px;color:#55606b">{escape(_what(one))}</span></td>'
        '<td align="right" style="padding:10px 0;border-top:1px solid #dde3e9;'
        f'color:{_COLOURS[tone]};font-weight:600">{escape(verdict)}</td></tr>'
    )


def _subject(draft: InvitationDraft) -> str:
    if draft.role is ProjectRole.SITE_OWNER:
        return f"Your charge points at {draft.project.name}"
    return f"Work on the charge points at {draft.project.name}"


def _intro(draft: InvitationDraft) -> str:
    if draft.role is not ProjectRole.SITE_OWNER:
        return (
            f"{draft.project.installer_name} invites you to work on the charge points at "
            f"{draft.project.name}, as a {draft.role.value}."
        )
    count = draft.project.charge_point_count
    what = "its charge points" if count == 0 else _charge_points(count)
    return (
        f"{draft.project.installer_name} has installed {what} at {draft.project.name} "
        "and invites you to take the site over as its owner."
    )


def _charge_points(count: int) -> str:
    return f"{count} charge point{'' if count == 1 else 's'}"


def _what(one: InvitedChargePoint) -> str:
    return f"{one.device}, {one.place}" if one.place else one.device


def _more(draft: InvitationDraft) -> Iterator[str]:
    beyond = draft.project.charge_point_count - len(draft.project.charge_points)
    if beyond > 0:
        yield f"and {_charge_points(beyond)} more"


def _small_print(draft: InvitationDraft) -> tuple[str, ...]:
    return (
        f"The invitation ends on {day(draft.expires_at)} at {draft.expires_at:%H:%M} UTC.",
        f"It works once and is meant for {draft.email} alone: do not pass it on.",
        "If you did not expect it, decline it or leave it: nothing happens then.",
    )


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.splitlines())
