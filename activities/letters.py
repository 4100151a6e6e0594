"""The words of our mails."""

from dataclasses import dataclass

from activities.quoting import labelled, one_line, passage, quoted
from domain.billing.messages import HeldDigest
from domain.commissioning import VerdictNotice
from domain.contests import ContestNotice
from domain.devices import device_name
from domain.invitations import InvitationNews, day
from domain.mail import GatheredMail
from domain.service_visits import VisitNotice
from domain.states import CheckResult, InvitationStatus, ProjectRole, RunStatus, ServiceVisitStatus

_SHOWN = 20  # of the sessions that a mail tells of
_SENTENCE = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """Subject and plain text, and the same in HTML where it is worth it.

    ``detail`` names what it is about where it is one of many in a gathered mail, ``urgent`` puts it
    first there.
    """

    subject: str
    text: str
    html: str | None = None
    detail: str = ""
    urgent: bool = False


def verdict_letter(notice: VerdictNotice) -> Letter:
    """Tell an installer how a commissioning run ended."""
    view = notice.view
    charge_point = notice.registered
    outcome = {
        RunStatus.COMPLETED: "is commissioned",
        RunStatus.FAILED: "failed its commissioning",
        RunStatus.CANCELLED: "was not commissioned: the run was cancelled",
    }[view.status]
    lines = [
        "Hello,",
        "",
        f"a charge point of yours {outcome}.",
        "",
        f"  Run: {view.commissioning_id}",
        f"  Charge point: {charge_point.charge_point_id}",
        *labelled(
            Serial_number=charge_point.serial_number,
            Device=device_name(charge_point.vendor, charge_point.model),
            Project=notice.project_name,
        ),
        "",
    ]
    lines += [f"  ALARM    {_said(alarm)}" for alarm in view.alarms]
    for check in view.checks:
        lines.append(f"  {check.result.value:<8} {check.name.value}")
        if check.failure is not None:
            lines += [
                f"           {_said(check.failure.cause)}",
                f"           {_said(check.failure.action)}",
            ]
        if check.result is CheckResult.SKIPPED and check.skip_reason:
            lines.append(f"           {_said(check.skip_reason)}")
        lines += [f"           Note: {_said(note)}" for note in check.notes]
    lines += ["", ""]
    alarm = ", with an alarm" if view.alarms else ""
    return Letter(
        subject=f"A charge point {outcome.partition(':')[0]}{alarm} ({view.commissioning_id})",
        text="\n".join(lines),
        detail=f"{quoted(charge_point.serial_number)} in {quoted(notice.project_name)}",
        urgent=bool(view.alarms),
    )


def _said(sentence: str) -> str:
    """A sentence of a check: it may name what a charge point told."""
    return one_line(sentence, longest=_SENTENCE)


def gathered_letter(gathered: GatheredMail) -> Letter:
    """Tell in one mail what would have been many."""
    count = len(gathered.ids)
    lines = [
        "Hello,",
        "",
        f"{count} notices came so fast that they are gathered here, those with an alarm first."
        if count != 1
        else "a notice came so soon after others that it waited for a while.",
        "",
    ]
    for subject, detail in gathered.lines:
        lines.append(f"  - {subject}")
        if detail:
            lines.append(f"    {detail}")
    if count > len(gathered.lines):
        lines.append(f"  … and {count - len(gathered.lines)} more.")
    lines += [
        "",
        "What each check of a run found is with the run, in the API and in the console.",
        "",
    ]
    what = "A notice" if count == 1 else f"{count} notices"
    return Letter(subject=f"{what}, gathered into one mail", text="\n".join(lines))


def held_letter(digest: HeldDigest, *, public_url: str) -> Letter:
    """Tell a site owner of the sessions that cannot be billed without the owner's word."""
    new, one = len(digest.new), len(digest.new) == 1
    lines = [
        "Hello,",
        "",
        (
            f"{'a session' if one else f'{new} sessions'} at a site of yours cannot be "
            "billed without your word: what the charge point told leaves open how much or how long "
            "it was. What is in doubt is on no statement until you decide."
        ),
        "",
        *labelled(Site=digest.project_name),
        "",
    ]
    for line in digest.new[:_SHOWN]:
        at = line.started_at
        lines += [
            f"  {at.day} {at:%B %Y, %H:%M}  charge point {quoted(line.charge_point)}",
            f"    {line.held_id}",
            f"    {_said(line.reason)}",
        ]
    if new > _SHOWN:
        lines.append(f"  … and {new - _SHOWN} more.")
    path = f"/api/v1/site-owner/projects/{digest.project_id}/held-records"
    lines += [
        "",
        "Say what each session was (within what is physically possible), or drop it. All of one",
        f"cause can be decided at once. {digest.waiting} wait for you altogether:",
        "",
        f"  GET {public_url.rstrip('/')}{path}?state=held",
        "  POST …/{id}/release, POST …/{id}/drop, POST …/release, POST …/drop",
        "",
        "Nothing is billed by itself, and you get at most one mail a day about it.",
        "",
    ]
    what = "A session waits" if one else f"{new} sessions wait"
    return Letter(subject=f"{what} for your word ({digest.project_id})", text="\n".join(lines))


def contest_letter(notice: ContestNotice, *, public_url: str) -> Letter:
    """Tell who is in charge of a charge point that several links speak as it."""
    contest = notice.contest
    path = f"{notice.path}/{notice.charge_point_id}"
    lines = [
        "Hello,",
        "",
        (
            f"{len(contest.links)} links speak as one charge point of yours, and all of them are "
            "there. Until you say which one it is, nothing rests on any: it gets no command, a run "
            "waits, and sessions of this time are held. Drivers can charge."
        ),
        "",
        *labelled(**{"Site": notice.project_name, "Charge point": notice.serial_number}),
        "",
        _said(contest.cause),
        "",
        "Keep the right one:",
        "",
        *(
            f"  POST {public_url.rstrip('/')}{path}/links/{link.generation}/keep   from "
            f"{link.remote_address or 'an unknown address'}, since "
            f"{link.connected_at:%H:%M:%S} UTC"
            for link in contest.links
        ),
        "",
        "The others are closed then, and refused for as long as that one is connected.",
        "",
        "If it is none of them, close them all; who comes next is asked anew:",
        "",
        f"  POST {public_url.rstrip('/')}{path}/links/disconnect",
        "",
    ]
    return Letter(
        subject=f"Two links speak as one charge point ({notice.charge_point_id})",
        text="\n".join(lines),
        detail=f"{quoted(notice.serial_number)} in {quoted(notice.project_name)}",
        urgent=True,
    )


def news_letter(news: InvitationNews) -> Letter:
    """Tell who has invited somebody how that ended."""
    is_owner = news.role is ProjectRole.SITE_OWNER
    said, then = {
        InvitationStatus.ACCEPTED: (
            "accepted your invitation",
            _what_an_owner_means(handed_over=news.handed_over)
            if is_owner
            else _what_a_colleague_means(news.role),
        ),
        InvitationStatus.DECLINED: (
            "declined your invitation",
            "Talk to them, or invite somebody else.",
        ),
        InvitationStatus.EXPIRED: (
            "did not accept your invitation in time",
            "The link in that mail is dead. Invite them again when they are ready.",
        ),
    }[news.status]
    who = {
        ProjectRole.SITE_OWNER: "the site owner",
        ProjectRole.SERVICE: "the installer",
    }.get(news.role, "your colleague")
    lines = [
        "Hello,",
        "",
        f"{who} {said}.",
        "",
        then,
        "",
        f"  Invitation: {news.invitation_id}",
        *labelled(Invited=news.invited_email, Project=news.project_name),
        "",
        *passage("Their reason", news.reason),
    ]
    return Letter(
        subject=f"{who[0].upper()}{who[1:]} {said} ({news.invitation_id})", text="\n".join(lines)
    )


def _what_a_colleague_means(role: ProjectRole) -> str:
    if role is ProjectRole.SERVICE:
        return "They can work on the charge points of the service visit until it ends."
    return f"They work on the project from now on, as a {role.value}."


def visit_letter(notice: VisitNotice) -> Letter:
    """Tell owner and installer that a service visit is over."""
    how = {
        ServiceVisitStatus.CLOSED: "was closed",
        ServiceVisitStatus.EXPIRED: "has ended: its time is over",
        ServiceVisitStatus.DECLINED: "was declined",
        ServiceVisitStatus.REVOKED: "was taken back",
    }[notice.status]
    at = notice.ended_at
    lines = [
        "Hello,",
        "",
        f"a service visit {how}, on {day(at)} at {at:%H:%M}.",
        "",
    ]
    if notice.unfinished:
        lines += [
            "It is unfinished: what was tested and what was not is with each charge point. Runs",
            "that were still open are cancelled. The owner opens another visit to go on.",
            "",
        ]
    lines += [
        "What the visit had opened to the installer is closed again.",
        "",
        f"  Visit: {notice.service_visit_id}",
        *labelled(Site=notice.project_name),
        "",
        *passage("What it was for", notice.purpose),
        *passage("Reason", notice.reason),
    ]
    return Letter(
        subject=f"A service visit {how.partition(':')[0]} ({notice.service_visit_id})",
        text="\n".join(lines),
    )


def _what_an_owner_means(*, handed_over: bool) -> str:
    if handed_over:
        return "The site owner is in, and the project is handed over."
    return "The site owner is in: you can complete the handover once everything else is done."
