"""The mail that invites somebody to a project: text and HTML of equal content.

The HTML has its styles inline, no image and nothing from elsewhere, so it looks the same in a
reader that blocks all of that; and nobody is told that it was opened.
"""

from collections.abc import Iterator
from typing import Final

from activities.letters import Letter
from activities.quoting import passage, quoted
from documents.templates import templates
from domain.invitations import InvitationDraft, InvitedChargePoint, InvitedProject, Tone, day
from domain.states import ProjectRole

_MESSAGE: Final = "What they write"
_COLOURS: Final = {
    Tone.GOOD: "#1a7f4b",
    Tone.OPEN: "#8a5a00",
    Tone.BAD: "#b3261e",
    Tone.QUIET: "#55606b",
}


def invitation_letter(draft: InvitationDraft, *, link: str, stop_link: str) -> Letter:
    """Invite a site owner to take their charge points over, or a colleague to work on them.

    ``stop_link`` is in the HTML; whoever sends the letter puts it below the text.
    """
    return Letter(
        subject=_subject(draft),
        text=_text(draft, link),
        html=_html(draft, link, stop_link),
    )


def _text(draft: InvitationDraft, link: str) -> str:
    lines = ["Hello,", "", _intro(draft), "", *(f"  {line}" for line in _who_and_where(draft)), ""]
    for one in draft.project.charge_points:
        lines.append(f"  - {quoted(one.serial_number)}: {one.verdict[0]}")
        lines.append(f"    {quoted(_what(one))}")
    lines += [f"  {more}" for more in _more(draft)]
    lines += [
        "",
        "See the invitation, and accept or decline it:",
        "",
        f"  {link}",
        "",
        *passage(_MESSAGE, draft.message),
        *_small_print(draft),
        "",
    ]
    return "\n".join(lines)


def _who_and_where(draft: InvitationDraft) -> Iterator[str]:
    yield f"Invited by: {quoted(draft.project.installer_name)}"
    yield f"Site: {quoted(draft.project.name)}"
    yield f"Address: {quoted(draft.project.address)}"


def _html(draft: InvitationDraft, link: str, stop_link: str) -> str:
    template = templates("activities").get_template("invitation_letter.html")
    return template.render(
        subject=_subject(draft),
        intro=_intro(draft),
        message=draft.message,
        who_and_where=list(_who_and_where(draft)),
        message_label=_MESSAGE,
        charge_points=[_row(one) for one in draft.project.charge_points],
        more=list(_more(draft)),
        link=link,
        stop_link=stop_link,
        small_print=_small_print(draft),
    )


def _row(one: InvitedChargePoint) -> dict[str, str]:
    verdict, tone = one.verdict
    return {
        "serial_number": quoted(one.serial_number),
        "what": quoted(_what(one)),
        "verdict": verdict,
        "colour": _COLOURS[tone],
    }


def _subject(draft: InvitationDraft) -> str:
    what = {
        ProjectRole.SITE_OWNER: "to take a site over as its owner",
        ProjectRole.SERVICE: "to a service visit",
    }.get(draft.role, "to work on a project")
    return f"You are invited {what} ({draft.invitation_id})"


def _intro(draft: InvitationDraft) -> str:
    if draft.role is ProjectRole.SERVICE:
        return (
            "The owner of a site asks you to do service there. When you accept, you can test, mend "
            "and replace the charge points below until the visit "
            f"{_visit_ends(draft.project)}or is closed."
        )
    if draft.role is not ProjectRole.SITE_OWNER:
        return (
            "An installer invites you to work on the charge points of a project, as a "
            f"{draft.role.value}."
        )
    count = draft.project.charge_point_count
    what = "the charge points" if count == 0 else _charge_points(count)
    return (
        f"An installer has put in {what} of a site and invites you to take the site over as its "
        "owner."
    )


def _visit_ends(project: InvitedProject) -> str:
    ends = project.visit_ends_at
    return "ends " if ends is None else f"ends on {day(ends)} at {ends:%H:%M} UTC, "


def _charge_points(count: int) -> str:
    return f"{count} charge point{'' if count == 1 else 's'}"


def _what(one: InvitedChargePoint) -> str:
    return f"{one.device}, {one.place}" if one.place else one.device


def _more(draft: InvitationDraft) -> Iterator[str]:
    beyond = draft.project.charge_point_count - len(draft.project.charge_points)
    if beyond > 0:
        yield f"and {_charge_points(beyond)} more"


def _small_print(draft: InvitationDraft) -> tuple[str, ...]:
    last = draft.project.last(draft.expires_at)
    return (
        f"The invitation ends on {day(last)} at {last:%H:%M} UTC.",
        f"It works once and is meant for {draft.email} alone: do not pass it on.",
        "If you did not expect it, decline it or leave it: nothing happens then.",
    )
