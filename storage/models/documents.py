"""What certificates are made of, and the certificates."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field

from storage.models.base import TableModel, part_of


class Declaration(TableModel, table=True):
    """What an installer declares of an installation."""

    __tablename__ = "declarations"

    charge_point_id: str = part_of("charge_points", primary_key=True)
    declared: Any = Field(sa_type=JSON, nullable=False)
    declared_by: str = Field(max_length=320)  # an e-mail
    declared_at: datetime


class ChecklistAnswer(TableModel, table=True):
    """An answer to an item of a checklist."""

    __tablename__ = "checklist_answers"

    charge_point_id: str = part_of("charge_points", primary_key=True)
    checklist_id: str = Field(primary_key=True, max_length=60)  # of its project, or of one before
    item_id: str = Field(primary_key=True, max_length=40)
    compliance: str = Field(max_length=20)  # Compliance
    remark: str | None = Field(default=None, sa_type=Text)
    answered_by: str = Field(max_length=320)  # an e-mail
    answered_at: datetime


class Photo(TableModel, table=True):
    """A picture of an installation."""

    __tablename__ = "photos"
    __table_args__ = (
        # The same picture sent again is the same row.
        UniqueConstraint("charge_point_id", "sha256"),
    )

    id: str = Field(primary_key=True, max_length=40)
    charge_point_id: str = part_of("charge_points")
    caption: str | None = Field(default=None, max_length=200)
    width: int
    height: int
    sha256: str = Field(max_length=64)  # of the picture, hex
    picture: bytes  # JPEG, written anew: it has no metadata
    thumbnail: bytes  # JPEG, as documents show it
    added_by: str = Field(max_length=320)
    added_at: datetime


class Certificate(TableModel, table=True):
    """A certificate as it was issued."""

    __tablename__ = "certificates"
    __table_args__ = (UniqueConstraint("subject_id", "number"),)

    id: str = Field(primary_key=True, max_length=40)
    scope: str = Field(max_length=20)
    subject_id: str = Field(max_length=40)  # of the charge point or the project
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    number: int  # 1 is the subject's first
    # that it is of; subject: project
    service_visit_id: str | None = Field(
        default=None, max_length=40, foreign_key="service_visits.id"
    )
    content_hash: str = Field(max_length=64)  # of what it was made of, hex
    sha256: str = Field(max_length=64)  # of the file, hex
    key_id: str = Field(max_length=16)
    token: str = Field(max_length=27, unique=True)  # of its online copy
    issued_at: datetime
    summary: Any = Field(sa_type=JSON, nullable=False)  # what its public page says
    file: bytes  # the signed PDF, as it was issued


class CertificateKey(TableModel, table=True):
    """A key that has signed certificates."""

    __tablename__ = "certificate_keys"

    id: str = Field(primary_key=True, max_length=16)
    public_key: str = Field(max_length=130)  # of documents.keys, hex; an old one is kept
    first_used_at: datetime
