"""Invitations to a project, and the service visits that they may be to."""

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from domain.states import InvitationStatus, ProjectRole, ServiceVisitStatus
from storage.models.base import TableModel, part_of, partial_index, words


class Invitation(TableModel, table=True):
    """An invitation of a person to a project; only the hash of its token is known."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(None, "email", "id"),
        Index(None, "invited_by", "accepted_by"),
        partial_index("ix_invitations_to_settle", "id", where="told_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id", index=True)
    email: str = Field(max_length=320)
    role: ProjectRole = Field(sa_type=words(ProjectRole, 20))
    # null: an operator, in Temporal
    invited_by: str | None = Field(default=None, max_length=40, foreign_key="accounts.id")
    message: str | None = Field(default=None, sa_type=Text)
    token_hash: str = Field(max_length=64, unique=True)
    status: InvitationStatus = Field(sa_type=words(InvitationStatus, 20))
    created_at: datetime
    sent_at: datetime | None = None
    expires_at: datetime
    ended_at: datetime | None = None  # it is not pending since then
    accepted_by: str | None = Field(default=None, max_length=40, foreign_key="accounts.id")
    reason: str | None = Field(default=None, max_length=500)  # the owner's, for declining
    told_at: datetime | None = None  # the installer has been told of its end
    # that it is to; null: none
    service_visit_id: str | None = Field(
        default=None, max_length=40, foreign_key="service_visits.id"
    )

    def status_at(self, now: datetime) -> InvitationStatus:
        """Return its status by the clock: it expires on time, even if no row says so yet."""
        if self.status is InvitationStatus.PENDING and self.expires_at <= now:
            return InvitationStatus.EXPIRED
        return self.status


class ServiceVisit(TableModel, table=True):
    """An installer's rights on a site of somebody else, for a while."""

    __tablename__ = "service_visits"
    __table_args__ = (
        Index(None, "project_id", "id"),
        Index(None, "installer_id", "id"),
        partial_index("ix_service_visits_running", "id", where="told_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    opened_by: str = Field(max_length=40, foreign_key="accounts.id")
    opened_at: datetime
    ends_at: datetime
    purpose: str = Field(sa_type=Text)
    all_charge_points: bool  # as it was asked for; the rows count
    email: str = Field(max_length=320)  # of the installer who is invited
    invitation_id: str = Field(max_length=40)  # fixed before its row is there
    status: ServiceVisitStatus = Field(sa_type=words(ServiceVisitStatus, 20))
    # who has accepted
    installer_id: str | None = Field(default=None, max_length=40, foreign_key="accounts.id")
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    # a Role, or engine: its time was over
    closed_by: str | None = Field(default=None, max_length=20)
    unfinished: bool = Field(sa_column_kwargs={"server_default": text("false")})
    # why it was closed unfinished, or declined
    reason: str | None = Field(default=None, max_length=500)
    sign_off_notes: str | None = Field(default=None, sa_type=Text)
    installer_signature: str | None = Field(default=None, max_length=200)
    told_at: datetime | None = None  # owner and installer know of its end


class ServiceVisitChargePoint(TableModel, table=True):
    """A charge point that a visit is to."""

    __tablename__ = "service_visit_charge_points"

    service_visit_id: str = Field(primary_key=True, max_length=40, foreign_key="service_visits.id")
    charge_point_id: str = part_of("charge_points", primary_key=True, index=True)
    joined_at: datetime  # later than its visit's opening: added in it
