"""Contracts of the project workflow: from a project's creation to its handover."""

from dataclasses import dataclass
from datetime import datetime

from domain.audit import ENGINE, Actor
from domain.invitations import OpenInvitation
from domain.power.site import SiteLimit
from domain.states import AccessMode


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenVisit:
    """A service visit that ProjectWorkflow looks at, and when."""

    service_visit_id: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRequest:
    """Input of ProjectWorkflow."""

    project_id: str
    installer_id: str
    name: str
    told: tuple[str, ...] = ()
    """What operators read of the life so far; the workflow hands it on to itself."""
    invitations: tuple[OpenInvitation, ...] = ()
    """Those it looks at again; handed on in the same way."""
    handed_over: bool = False
    """It is its owner's: there is nothing but visits and their invitations to look after."""
    visits: tuple[OpenVisit, ...] = ()
    """Those of the owner; handed on in the same way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteHandover:
    """Update of ProjectWorkflow.

    ``words_id``: where notes and signature are kept; they are empty here then.
    """

    sign_off_notes: str | None = None
    installer_signature: str = ""
    words_id: str | None = None
    by: Actor = ENGINE


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveProject:
    """Update of ProjectWorkflow; it is refused of a project that has anything in it."""

    by: Actor = ENGINE


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocker:
    """One thing that stands between a project and its handover."""

    code: str
    detail: str
    charge_point_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Caution:
    """What a handover does not wait for, and its owner should know: ``code``, a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoverResult:
    """Answer of :class:`CompleteHandover`: done at ``completed_at``, or refused with blockers.

    Of a handover that is not asked for yet it says what would stand in its way.
    """

    project_id: str
    completed_at: datetime | None
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[Caution, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoverNotice:
    """What the mail of a handover tells the site owner; ``handed_over_at`` in the site's zone."""

    to: str
    name: str
    project_id: str
    project_name: str
    installer: str
    signature: str
    notes: str | None
    handed_over_at: datetime
    charge_points: tuple[str, ...]
    """A name of each, for a person."""
    access: AccessMode
    id_tags: tuple[str, ...]
    """The first of those listed, by their labels where they have one."""
    id_tags_listed: int
    prices: tuple[str, ...]
    """The tariff in words; empty: there is none."""
    limit: SiteLimit
    offline: tuple[str, ...]
    """Those of ``charge_points`` that are not connected."""
