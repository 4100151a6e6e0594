"""Contracts of the invitation to a project: asking, sending, ending, telling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.audit import ENGINE, Actor
from domain.states import ChargePointStatus, InvitationStatus, ProjectRole


@dataclass(frozen=True, kw_only=True, slots=True)
class NewInvitation:
    """Update of ProjectWorkflow. The id is made by the caller, so that a repeat is the same.

    ``words_id``: where ``email`` and ``message`` are kept; they are empty here then.
    """

    invitation_id: str
    email: str = ""
    message: str | None = None
    words_id: str | None = None
    by: Actor = ENGINE
    role: ProjectRole = ProjectRole.SITE_OWNER
    asked_at: datetime | None = None
    """Two that are asked for at once are one; None: now."""
    service_visit_id: str | None = None
    """To which service visit it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResendInvitation:
    """Update of ProjectWorkflow: mail the link again; its time begins anew at ``asked_at``."""

    invitation_id: str
    asked_at: datetime
    by: Actor = ENGINE


class Tone(StrEnum):
    """How good a word about a charge point is, for its colour."""

    GOOD = "good"
    OPEN = "open"
    BAD = "bad"
    QUIET = "quiet"


_VERDICTS: Final = {
    ChargePointStatus.COMMISSIONED: ("Tested, passed", Tone.GOOD),
    ChargePointStatus.COMMISSIONING: ("Being tested", Tone.OPEN),
    ChargePointStatus.COMMISSIONING_FAILED: ("Has not passed its test yet", Tone.BAD),
    ChargePointStatus.REGISTERED: ("Not tested yet", Tone.QUIET),
    ChargePointStatus.WITHDRAWN: ("Taken out of the project", Tone.QUIET),
}
_UNCHARGED: Final = ("Passed, without a test charge", Tone.OPEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitedChargePoint:
    """A charge point, as the invited person reads of it.

    ``uncharged``: its newest run that passed has skipped the test charge.
    """

    serial_number: str
    device: str
    place: str | None
    status: ChargePointStatus
    uncharged: bool = False

    @property
    def verdict(self) -> tuple[str, Tone]:
        """How it stands, in words."""
        if self.uncharged and self.status is ChargePointStatus.COMMISSIONED:
            return _UNCHARGED
        return _VERDICTS[self.status]


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitedProject:
    """The project, and who has made it. The list ends early; ``charge_point_count`` does not.

    ``visit_ends_at``: when the service visit ends to which it is an invitation.
    """

    name: str
    address: str
    installer_name: str
    charge_point_count: int
    charge_points: tuple[InvitedChargePoint, ...]
    visit_ends_at: datetime | None = None

    def last(self, expires_at: datetime) -> datetime:
        """Until when an invitation can be accepted: nobody comes to a visit that is over."""
        return expires_at if self.visit_ends_at is None else min(expires_at, self.visit_ends_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationDraft:
    """What the invitation mail needs; ``sent`` when an earlier try has delivered it.

    ``account_id`` invites.
    """

    invitation_id: str
    account_id: str
    project: InvitedProject
    email: str
    role: ProjectRole
    message: str | None
    expires_at: datetime
    sent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationSent:
    """Answer of :class:`NewInvitation` and :class:`ResendInvitation`."""

    invitation_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationNews:
    """What the inviter is told when an invitation ends: ``to`` whom, and how it ended.

    ``account_id`` is the inviter's, whose invitation has caused the mail.
    """

    to: str
    account_id: str
    invitation_id: str
    project_name: str
    invited_email: str
    role: ProjectRole
    status: InvitationStatus
    reason: str | None
    handed_over: bool = False
    """The handover came right behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationSettled:
    """How an invitation stands now. ``news``: its end, which the installer has not been told."""

    status: InvitationStatus
    expires_at: datetime
    news: InvitationNews | None = None


def day(moment: datetime) -> str:
    """Write a day as letters do: 4 December 2026."""
    return f"{moment.day} {moment:%B %Y}"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenInvitation:
    """An invitation that ProjectWorkflow looks at again, and when."""

    invitation_id: str
    due_at: datetime
    role: ProjectRole = ProjectRole.SITE_OWNER
