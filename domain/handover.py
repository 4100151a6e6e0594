"""Contracts of the project workflow: from a project's creation to its handover."""

from dataclasses import dataclass
from datetime import datetime

from domain.audit import ENGINE, Actor
from domain.invitations import OpenInvitation


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


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteHandover:
    """Update of ProjectWorkflow."""

    sign_off_notes: str | None
    installer_signature: str
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
class HandoverResult:
    """Answer of :class:`CompleteHandover`: done at ``completed_at``, or refused with blockers."""

    project_id: str
    completed_at: datetime | None
    blockers: tuple[Blocker, ...] = ()
