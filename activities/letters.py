"""The words of our mails."""

from dataclasses import dataclass

from domain.billing.messages import HeldDigest
from domain.commissioning import VerdictNotice
from domain.devices import device_name
from domain.invitations import InvitationNews, day
from domain.service_visits import VisitNotice
from domain.states import CheckResult, InvitationStatus, ProjectRole, RunStatus, ServiceVisitStatus

_SHOWN = 20  # of the sessions that a mail tells of


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """Subject and plain text, and the same in HTML where it is worth it."""

    subject: str
    text: str
    html: str | None = None


def verdict_letter(notice: VerdictNotice) -> Letter:
    """Tell an installer how a commissioning run ended."""
    view = notice.view
    serial = notice.registered.serial_number
    device = device_name(notice.registered.vendor, notice.registered.model)
    outcome = {
        RunStatus.COMPLETED: "is commissioned",
        RunStatus.FAILED: "failed its commissioning",
        RunStatus.CANCELLED: "was not commissioned: the run was cancelled",
    }[view.status]
    lines = [
        f"Hello {notice.name},",
        "",
        (f"charge point {serial} ({device}) of {notice.project_name} {outcome}."),
        "",
    ]
    for check in view.checks:
        lines.append(f"  {check.result.value:<8} {check.name.value}")
        if check.failure is not None:
            lines += [f"           {check.failure.cause}", f"           {check.failure.action}"]
        if check.result is CheckResult.SKIPPED and check.skip_reason:
            lines.append(f"           {check.skip_reason}")
        lines += [f"           Note: {note}" for note in check.notes]
    lines += [f"  ALARM    {alarm}" for alarm in view.alarms]
    lines += ["", f"Run {view.commissioning_id}", ""]
    return Letter(
        subject=f"{serial} {outcome.partition(':')[0]} ({notice.project_name})",
        text="\n".join(lines),
    )


def held_letter(digest: HeldDigest, *, public_url: str) -> Letter:
    """Tell a site owner of the sessions that cannot be billed without the owner's word."""
    new, one = len(digest.new), len(digest.new) == 1
    lines = [
        f"Hello {digest.name},",
        "",
        (
            f"{'a session' if one else f'{new} sessions'} at {digest.project_name} cannot be "
            "billed without your word: what the charge point told leaves open how much or how long "
            "it was. What is in doubt is on no statement until you decide."
        ),
        "",
    ]
    for line in digest.new[:_SHOWN]:
        at = line.started_at
        lines += [
            f"  {at.day} {at:%B %Y, %H:%M}  charge point {line.charge_point}  ({line.held_id})",
            f"    {line.reason}",
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
    what = "a session waits" if one else f"{new} sessions wait"
    return Letter(subject=f"{digest.project_name}: {what} for your word", text="\n".join(lines))


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
    lines = [f"Hello {news.name},", "", f"{news.invited_email} {said} to {news.project_name}.", ""]
    if news.reason:
        lines += ["Their reason:", "", f"  {news.reason}", ""]
    lines += [then, ""]
    who = "the site owner" if is_owner else news.invited_email
    return Letter(subject=f"{news.project_name}: {who} {said}", text="\n".join(lines))


def _what_a_colleague_means(role: ProjectRole) -> str:
    if role is ProjectRole.SERVICE:
        return "They can work on the charge points of the service visit until it ends."
    return f"They work on the project from now on, as a {role.value}."


def visit_letter(notice: VisitNotice, *, name: str) -> Letter:
    """Tell owner and installer that a service visit is over."""
    how = {
        ServiceVisitStatus.CLOSED: "was closed",
        ServiceVisitStatus.EXPIRED: "has ended: its time is over",
        ServiceVisitStatus.DECLINED: "was declined",
        ServiceVisitStatus.REVOKED: "was taken back",
    }[notice.status]
    at = notice.ended_at
    lines = [
        f"Hello {name},",
        "",
        f"the service visit at {notice.project_name} {how}, on {day(at)} at {at:%H:%M}.",
        "",
        f"  What it was for: {notice.purpose}",
        f"  Visit: {notice.service_visit_id}",
        "",
    ]
    if notice.reason:
        lines += [f"Reason: {notice.reason}", ""]
    if notice.unfinished:
        lines += [
            "It is unfinished: what was tested and what was not is with each charge point. Runs",
            "that were still open are cancelled. The owner opens another visit to go on.",
            "",
        ]
    lines += ["What the visit had opened to the installer is closed again.", ""]
    return Letter(
        subject=f"{notice.project_name}: the service visit {how.partition(':')[0]}",
        text="\n".join(lines),
    )


def _what_an_owner_means(*, handed_over: bool) -> str:
    if handed_over:
        return "The site owner is in, and the project is handed over."
    return "The site owner is in: you can complete the handover once everything else is done."
