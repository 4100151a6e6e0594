"""Shapes of projects."""

from typing import Any, Self

from pydantic import Field, model_validator

from api.fields import Address, Email, Name, Request, Shown, Timestamp, TimeZone, example
from api.power.schemas import FeatureShown
from domain.states import ChargePointStatus, ProjectRole, ProjectStatus
from domain.wording import FieldValueError
from storage.projects import Project

_ID = "prj_01HX4M7TABCDE12345"
_CREATED: dict[str, Any] = {
    "id": _ID,
    "name": "Riverside Business Park",
    "status": "in_progress",
    "created_at": "2026-05-01T09:05:00Z",
}
_SHOWN: dict[str, Any] = _CREATED | {
    "address": "12 Riverside Way, Bristol, BS1 4AA",
    "site_owner_email": "facilities@riversidebp.com",
    "site_owner_accepted": False,
    "time_zone": "Europe/London",
    "handed_over_at": None,
    "archived_at": None,
    "role": "lead",
}


class NewProject(Request):
    """A new project."""

    model_config = example(
        name="Riverside Business Park",
        address="12 Riverside Way, Bristol, BS1 4AA",
        site_owner_email="facilities@riversidebp.com",
    )

    name: Name
    address: Address
    site_owner_email: Email
    time_zone: TimeZone | None = None


class ProjectChange(Request):
    """What to change of a project; what is left out stays."""

    model_config = example(name="Riverside Business Park, phase 2")

    name: Name | None = None
    address: Address | None = None
    site_owner_email: Email | None = None
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _no_null(self) -> "ProjectChange":
        nulls = [name for name in self.model_fields_set if getattr(self, name) is None]
        if nulls:
            raise FieldValueError("cannot be null", *sorted(nulls))
        return self


class ProjectCreated(Shown):
    """A project, as its creation answers it."""

    model_config = example(_CREATED)

    id: str
    name: str
    status: ProjectStatus
    created_at: Timestamp


class ProjectShown(ProjectCreated):
    """A project, as its installer sees it."""

    model_config = example(_SHOWN)

    address: str
    site_owner_email: str
    site_owner_accepted: bool = Field(description="Whether the owner has accepted an invitation")
    time_zone: str = Field(description="By which prices follow the clock")
    handed_over_at: Timestamp | None
    archived_at: Timestamp | None = Field(description="Since when it is archived; null: it is not")
    role: ProjectRole | None = Field(
        description="What you are to it: `lead`, `technician`, or `service` in a service visit"
    )
    service_visit_id: str | None = Field(
        description="Your newest open service visit, after the handover; null: none is open"
    )

    @classmethod
    def of(cls, it: Project, **others: Any) -> Self:
        """Show a project."""
        return super().of(it, site_owner_accepted=it.site_owner_id is not None, **others)


class ProjectDetail(ProjectShown):
    """A project with the state of its charge points and its handover."""

    model_config = example(
        **_SHOWN,
        charge_points={"registered": 1, "commissioned": 3},
        sign_off_notes=None,
        installer_signature=None,
        features=[],
    )

    charge_points: dict[ChargePointStatus, int] = Field(
        description="How many charge points are in each status"
    )
    sign_off_notes: str | None
    installer_signature: str | None
    features: list[FeatureShown] = Field(
        description="Billing and smart charging of the owner; empty until the handover"
    )
