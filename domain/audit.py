"""Who did what to a project: the words and the shape of its audit trail."""

from dataclasses import dataclass, replace
from enum import StrEnum


class AuditAction(StrEnum):
    """What was done; a word keeps its meaning."""

    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_HANDED_OVER = "project.handed_over"
    PROJECT_ARCHIVED = "project.archived"
    PROJECT_UNARCHIVED = "project.unarchived"
    PROJECT_REMOVED = "project.removed"
    CHARGE_POINT_REGISTERED = "charge_point.registered"
    CHARGE_POINT_CHANGED = "charge_point.changed"
    CHARGE_POINT_REMOVED = "charge_point.removed"
    CHARGE_POINT_WITHDRAWN = "charge_point.withdrawn"
    CHARGE_POINT_WITHDRAWAL_ASKED = "charge_point.withdrawal_asked"
    CHARGE_POINT_REINSTATED = "charge_point.reinstated"
    CHARGE_POINT_REPLACED = "charge_point.replaced"
    CHARGE_POINTS_SWAPPED = "charge_points.swapped"
    CHARGE_POINTS_IMPORTED = "charge_points.imported"
    IDENTITY_CLAIMED = "identity.claimed"
    IMPLAUSIBLE_CONFIRMED = "implausible.confirmed"
    CONFIGURATION_CHOSEN = "configuration.chosen"
    DECLARATION_PUT = "declaration.put"
    CHECKLIST_CHOSEN = "checklist.chosen"
    CHECKLIST_ANSWERED = "checklist.answered"
    CONTRACTOR_CHANGED = "contractor.changed"
    PHOTO_ADDED = "photo.added"
    PHOTO_REMOVED = "photo.removed"
    COMMISSIONING_STARTED = "commissioning.started"
    COMMISSIONING_RETRIED = "commissioning.retried"
    COMMISSIONING_ANSWERED = "commissioning.answered"
    COMMISSIONING_CANCELLED = "commissioning.cancelled"
    COMMISSIONING_TAKEN_BACK = "commissioning.taken_back"
    BATCH_STARTED = "batch.started"
    BATCH_CANCELLED = "batch.cancelled"
    BATCH_TAKEN_BACK = "batch.taken_back"
    POWER_CHANGED = "power.changed"
    ELECTRICAL_CHANGED = "electrical.changed"
    FEATURE_PAUSED = "feature.paused"
    FEATURE_RESUMED = "feature.resumed"
    TARIFF_SET = "tariff.set"
    RECORD_RELEASED = "record.released"
    RECORD_DROPPED = "record.dropped"
    ISSUER_CHANGED = "issuer.changed"
    TIME_ZONE_CHANGED = "time_zone.changed"
    ACCESS_CHANGED = "access.changed"
    ID_TAG_PUT = "id_tag.put"
    ID_TAG_AWAITED = "id_tag.awaited"
    ID_TAG_REMOVED = "id_tag.removed"
    CHARGE_POINT_LINK_KEPT = "charge_point.link_kept"
    CHARGE_POINT_LINKS_DISCONNECTED = "charge_point.links_disconnected"
    CHARGE_POINT_COMMANDED = "charge_point.commanded"
    SERVICE_VISIT_OPENED = "service_visit.opened"
    SERVICE_VISIT_ACCEPTED = "service_visit.accepted"
    SERVICE_VISIT_CHANGED = "service_visit.changed"
    SERVICE_VISIT_CLOSED = "service_visit.closed"
    INVITATION_SENT = "invitation.sent"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_EXPIRED = "invitation.expired"
    COLLABORATOR_CHANGED = "collaborator.changed"
    COLLABORATOR_REMOVED = "collaborator.removed"

    @property
    def is_of_tags(self) -> bool:
        """Whether it tells who may charge; of an owner's drivers no installer is told."""
        return self.startswith("id_tag.")

    @property
    def is_change(self) -> bool:
        """Whether it says what something was before and is after; nothing was done to it else."""
        return self.endswith(".changed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts, and from where: the address as the API sees it.

    ``email`` of somebody without an account is the one that was invited; ``role`` is a
    :class:`domain.states.Role`, ``engine`` for what happens by itself, or ``operator`` for who acts
    in Temporal, whose name nobody has checked.
    """

    email: str | None
    role: str
    account_id: str | None = None
    address: str | None = None

    @property
    def by_id(self) -> "Actor":
        """As a workflow's history names them: who has an account by that alone.

        The trail has their e-mail address all the same: it looks it up.
        """
        return self if self.account_id is None else replace(self, email=None)


ENGINE = Actor(email=None, role="engine")
"""Time, mostly: nobody has done it."""

OPERATOR = Actor(email=None, role="operator")
"""Somebody in Temporal."""
