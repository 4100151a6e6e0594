"""Who did what to a project: the words and the shape of its audit trail."""

from dataclasses import dataclass
from enum import StrEnum


class AuditAction(StrEnum):
    """What was done; a word keeps its meaning."""

    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_HANDED_OVER = "project.handed_over"
    CHARGE_POINT_REGISTERED = "charge_point.registered"
    CHARGE_POINT_CHANGED = "charge_point.changed"
    CHARGE_POINT_REMOVED = "charge_point.removed"
    POWER_CHANGED = "power.changed"
    ELECTRICAL_CHANGED = "electrical.changed"
    ACCESS_CHANGED = "access.changed"
    ID_TAG_PUT = "id_tag.put"
    ID_TAG_REMOVED = "id_tag.removed"
    INVITATION_SENT = "invitation.sent"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_EXPIRED = "invitation.expired"
    COLLABORATOR_CHANGED = "collaborator.changed"
    COLLABORATOR_REMOVED = "collaborator.removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts, and from where: the address as the API sees it.

    ``email`` of somebody without an account is the one that was invited; ``role`` is a
    :class:`domain.states.Role`, or ``engine`` for what happens by itself.
    """

    email: str | None
    role: str
    account_id: str | None = None
    address: str | None = None


ENGINE = Actor(email=None, role="engine")
"""Time, mostly: nobody has done it."""
