"""Projects, who works on them, and what was done."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlmodel import Field

from domain.checklists import ChosenChecklist
from domain.contractors import Contractor
from storage.models.base import NULLABLE_JSON, SERIAL, Document, TableModel, part_of


class Project(TableModel, table=True):
    """A site, from its registration to the years after its handover."""

    __tablename__ = "projects"
    __table_args__ = (Index(None, "installer_id", "id"),)

    id: str = Field(primary_key=True, max_length=40)
    installer_id: str = Field(max_length=40, foreign_key="accounts.id")
    name: str = Field(max_length=200)
    address: str = Field(max_length=500)
    site_owner_email: str = Field(max_length=320)
    status: str = Field(max_length=20)
    site_owner_id: str | None = Field(
        default=None, max_length=40, foreign_key="accounts.id", index=True
    )
    created_at: datetime
    handed_over_at: datetime | None = None
    sign_off_notes: str | None = Field(default=None, sa_type=Text)
    installer_signature: str | None = Field(default=None, max_length=200)
    handover_mailed_at: datetime | None = None  # to its owner
    access: str = Field(max_length=10, sa_column_kwargs={"server_default": "listed"})  # AccessMode
    access_set_as: str | None = Field(default=None, max_length=20)  # Role; null: nobody has chosen
    # OfflineAccess; null: nobody has chosen
    offline: str | None = Field(default=None, max_length=10)
    access_changed_at: datetime | None = None  # mode, id tags or what holds offline; null: never
    max_amps: float | None = None  # of the supply, per phase; null: no limit
    phases: int = Field(sa_column_kwargs={"server_default": "3"})  # of the supply: 1 or 3
    smart_charging_paused_at: datetime | None = None
    time_zone: str = Field(max_length=64, sa_column_kwargs={"server_default": "UTC"})  # IANA
    # statements of those before it are closed; null: not yet
    open_month: str | None = Field(default=None, max_length=7)
    archived_at: datetime | None = None  # out of the lists since then; null: it is not
    personal_erased_at: datetime | None = None  # it holds nothing of people since then
    # as it was when it was chosen
    checklist: ChosenChecklist | None = Field(default=None, sa_type=Document(ChosenChecklist))
    # null: the installer's account
    contractor: Contractor | None = Field(default=None, sa_type=Document(Contractor))


class ProjectMember(TableModel, table=True):
    """A colleague of the installer who works on a project."""

    __tablename__ = "project_members"
    __table_args__ = (Index(None, "account_id", "project_id"),)

    project_id: str = Field(primary_key=True, max_length=40, foreign_key="projects.id")
    account_id: str = Field(primary_key=True, max_length=40, foreign_key="accounts.id")
    role: str = Field(max_length=20)  # ProjectRole: lead or technician
    joined_at: datetime


class IdTag(TableModel, table=True):
    """A card or app that may charge at a site."""

    __tablename__ = "id_tags"

    project_id: str = Field(primary_key=True, max_length=40, foreign_key="projects.id")
    tag_key: str = Field(primary_key=True, max_length=20)  # trimmed, case-folded
    id_tag: str = Field(max_length=20)  # as the owner wrote it
    label: str | None = Field(default=None, max_length=200)
    set_as: str = Field(max_length=20, sa_column_kwargs={"server_default": "site_owner"})  # Role
    added_at: datetime


class RequestWords(TableModel, table=True):
    """What updates of a project's workflow say of people: its history has the id alone."""

    __tablename__ = "request_words"

    id: str = Field(primary_key=True, max_length=40)
    project_id: str = part_of("projects", index=True)
    words: Any = Field(sa_type=JSON, nullable=False)
    at: datetime = Field(index=True)


class AuditEntry(TableModel, table=True):
    """Who did what to a project, from where, and when."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "project_id", "id"),)

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    project_id: str = Field(max_length=40, foreign_key="projects.id")
    at: datetime
    action: str = Field(max_length=50)
    account_id: str | None = Field(default=None, max_length=40)
    email: str | None = Field(default=None, max_length=320)  # as it was then
    role: str = Field(max_length=20)
    address: str | None = Field(default=None, max_length=100)
    target: str = Field(max_length=100)
    before: Any = Field(default=None, sa_type=NULLABLE_JSON, nullable=True)
    after: Any = Field(default=None, sa_type=NULLABLE_JSON, nullable=True)
    # a repeated activity writes an entry once
    entry_key: str | None = Field(default=None, max_length=100, unique=True)
    # in which it was done; null: in none
    service_visit_id: str | None = Field(default=None, max_length=40)
