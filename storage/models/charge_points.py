"""Charge points: what is registered, and what is known of each."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from domain.states import Feature, FeatureState
from domain.withdrawals import WithdrawalOrder
from storage.models.base import Document, TableModel, part_of, partial_index, words


class ChargePoint(TableModel, table=True):
    """A registered charge point."""

    __tablename__ = "charge_points"
    __table_args__ = (
        # The serial number of one that was withdrawn may be registered again.
        partial_index(
            "uq_charge_points_serial",
            "project_id",
            "serial_key",
            unique=True,
            where="withdrawn_at IS NULL",
        ),
        partial_index("ix_charge_points_withdrawal", "id", where="withdrawal IS NOT NULL"),
        Index(None, "project_id", "id"),
        Index(None, "serial_key"),
        Index(None, "near_key"),
        partial_index("ix_charge_points_watched", "id", where="watched_by IS NOT NULL"),
    )

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    serial_number: str = Field(max_length=100)
    serial_key: str = Field(max_length=100)  # trimmed, case-folded
    # without separators, too
    near_key: str = Field(max_length=100, sa_column_kwargs={"server_default": ""})
    model: str = Field(max_length=100)
    vendor: str = Field(max_length=100)
    ocpp_version: str = Field(max_length=10)
    latitude: float | None = None
    longitude: float | None = None
    location_address: str | None = Field(default=None, max_length=500)
    connectors: int | None = None  # as declared; null: as many as it reports
    status: str = Field(max_length=30)
    created_at: datetime
    provisioned_at: datetime | None = None  # from then on a boot is answered Accepted
    # HMAC-SHA-256, hex; null: an unauthenticated link
    credential_hash: str | None = Field(default=None, max_length=64)
    max_amps: int | None = None  # of its cable, per phase; null: the usual
    # those of the site that it is connected to; null: all
    phases: str | None = Field(default=None, max_length=8)
    voltage: float | None = None  # between one of them and neutral; null: the usual
    # workflow id that owns the charge point and hears events
    watched_by: str | None = Field(default=None, max_length=100)
    # Temporal's run id: which execution of that id it is
    watched_execution: str | None = Field(default=None, max_length=40)
    # commissioning id whose log takes the frames
    watched_run: str | None = Field(default=None, max_length=40)
    # domain.habits.Habits; null: nothing is known of its ways
    habits: Any = Field(default=None, sa_type=JSON, nullable=True)
    # values that count after a restart: {key: {value, at}}
    restart_for: Any = Field(default=None, sa_type=JSON, nullable=True)
    # for its configuration, when nobody charges any more
    restart_due: bool = Field(sa_column_kwargs={"server_default": text("false")})
    withdrawn_at: datetime | None = None  # out of the project since then; null: it is not
    withdrawn_by: str | None = Field(default=None, max_length=320)  # an e-mail
    withdrawn_reason: str | None = Field(default=None, max_length=500)
    # until what goes on has ended
    withdrawal: WithdrawalOrder | None = Field(default=None, sa_type=Document(WithdrawalOrder))
    # id of a withdrawn one of the project
    replaces: str | None = Field(default=None, max_length=40)
    replaced_by: str | None = Field(default=None, max_length=40)  # the other way round: the newest

    @property
    def is_out(self) -> bool:
        """Whether it was withdrawn, or is to be."""
        return self.withdrawn_at is not None or self.withdrawal is not None


class ChargePointFeature(TableModel, table=True):
    """Whether something works at a charge point, and why not."""

    __tablename__ = "charge_point_features"

    charge_point_id: str = part_of("charge_points", primary_key=True)
    feature: Feature = Field(primary_key=True, sa_type=words(Feature, 20))
    state: FeatureState = Field(sa_type=words(FeatureState, 20))
    cause: str | None = Field(default=None, max_length=500)  # why it is not simply active
    action: str | None = Field(default=None, max_length=500)  # what to do about it
    changed_at: datetime


class IdentityAlias(TableModel, table=True):
    """Another identity under which a charge point connects, since somebody claimed it."""

    __tablename__ = "identity_aliases"

    identity_key: str = Field(primary_key=True, max_length=100)  # trimmed, case-folded
    charge_point_id: str = part_of("charge_points", unique=True)
    claimed_by: str = Field(max_length=40, foreign_key="accounts.id")
    claimed_at: datetime


class AwaitedTag(TableModel, table=True):
    """An owner's wish: the next unknown tag at a charge point is listed."""

    __tablename__ = "awaited_tags"

    charge_point_id: str = part_of("charge_points", primary_key=True)
    label: str | None = Field(default=None, max_length=200)
    asked_by: str = Field(max_length=40, foreign_key="accounts.id")
    asked_email: str = Field(max_length=320)
    asked_at: datetime
    until: datetime
    id_tag: str | None = Field(default=None, max_length=20)  # the one that came; null: none has
