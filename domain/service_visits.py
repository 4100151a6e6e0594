"""Contracts of a service visit: work on a site after its handover, for a time, by invitation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.audit import ENGINE, Actor
from domain.handover import Blocker
from domain.invitations import InvitationSent, NewInvitation
from domain.states import ServiceVisitStatus

LONGEST: Final = timedelta(days=90)
"""From the moment at which its end is chosen; it can be moved on again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseVisit:
    """Close a visit: signed, or unfinished with a reason, as its owner alone may.

    ``words_id``: where notes, signature and reason are kept; they are empty here then.
    """

    service_visit_id: str
    sign_off_notes: str | None = None
    installer_signature: str | None = None
    unfinished: bool = False
    reason: str | None = None
    words_id: str | None = None
    by: Actor = ENGINE


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitClosed:
    """Answer of :class:`CloseVisit`: closed at ``closed_at``, or refused with blockers.

    ``charge_point_ids``: those of the visit, whose open runs end with it.
    """

    service_visit_id: str
    status: ServiceVisitStatus
    closed_at: datetime | None
    blockers: tuple[Blocker, ...] = ()
    charge_point_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitNotice:
    """What owner and installer are told when a visit is over; ``ended_at`` in the site's zone.

    ``account_id``: the owner's, who has opened it, and so has caused the mails.
    """

    account_id: str
    to: tuple[tuple[str, str], ...]
    """Role and address of each."""
    service_visit_id: str
    project_name: str
    purpose: str
    status: ServiceVisitStatus
    unfinished: bool
    reason: str | None
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitStands:
    """How a visit stands, and what is left to do about it.

    ``invitation``: it has not left yet. ``run_charge_point_ids``: whose runs end with the visit.
    ``notice``: nobody has been told of its end.
    """

    status: ServiceVisitStatus
    ends_at: datetime
    project_id: str
    invitation: NewInvitation | None = None
    run_charge_point_ids: tuple[str, ...] = ()
    notice: VisitNotice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitLookedAt:
    """What the workflow needs to know of it; ``invitation``: that it has mailed just now."""

    status: ServiceVisitStatus
    ends_at: datetime
    invitation: InvitationSent | None = None
