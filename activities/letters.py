"""The words of our mails."""

from dataclasses import dataclass

from domain.commissioning import InvitationDraft, VerdictNotice
from domain.devices import device_name
from domain.states import CheckResult, RunStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """Subject and plain text."""

    subject: str
    text: str


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


def invitation_letter(draft: InvitationDraft, *, link: str, token: str) -> Letter:
    """Invite a site owner to take their charge points over."""
    count = draft.charge_points
    lines = [
        "Hello,",
        "",
        (
            f"{draft.installer_name} has set up {count} charge point{'' if count == 1 else 's'} at "
            f"{draft.project_name}, {draft.project_address}, and invites you to take "
            f"{'it' if count == 1 else 'them'} over."
        ),
        "",
    ]
    if draft.message:
        lines += [draft.message, ""]
    lines += [
        "Accept with this link:",
        "",
        f"  {link}",
        "",
        f"Invitation code: {token}",
        (
            f"The invitation ends on {draft.expires_at:%d %B %Y at %H:%M} UTC. "
            "It works once and is meant for you alone."
        ),
        "",
    ]
    return Letter(subject=f"Your charge points at {draft.project_name}", text="\n".join(lines))
