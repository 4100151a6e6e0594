"""Shapes of the site owner's side."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from api.fields import Timestamp, example
from api.power.schemas import FeatureShown
from domain.states import ChargePointStatus, ProjectStatus
from storage.feature_status import FeatureStatus
from storage.projects import Project

_PROJECT: dict[str, Any] = {
    "id": "prj_01HX4M7TABCDE12345",
    "name": "Riverside Business Park",
    "address": "12 Riverside Way, Bristol, BS1 4AA",
    "status": "handed_over",
    "time_zone": "Europe/London",
    "handed_over_at": "2026-05-01T10:15:00Z",
    "archived_at": None,
    "created_at": "2026-05-01T09:05:00Z",
}


class OwnedProject(BaseModel):
    """A project, as its site owner sees it."""

    model_config = example(_PROJECT)

    id: str
    name: str
    address: str
    status: ProjectStatus
    time_zone: str
    handed_over_at: Timestamp | None
    archived_at: Timestamp | None = Field(
        description="Since when its installer has put it aside; null: it is not"
    )
    created_at: Timestamp

    @classmethod
    def of(cls, project: Project) -> "OwnedProject":
        """Show a project to its owner."""
        return cls(
            id=project.id,
            name=project.name,
            address=project.address,
            status=project.status,
            time_zone=project.time_zone,
            handed_over_at=project.handed_over_at,
            archived_at=project.archived_at,
            created_at=project.created_at,
        )


class OwnedDetail(OwnedProject):
    """A project with the state of its charge points, as its site owner sees it."""

    model_config = example(
        _PROJECT
        | {
            "charge_points": {"commissioned": 4},
            "sign_off_notes": "All connectors tested.",
            "installer_signature": "J. Smith",
            "features": [],
        }
    )

    charge_points: dict[ChargePointStatus, int] = Field(
        description="How many charge points are in each status"
    )
    sign_off_notes: str | None
    installer_signature: str | None
    features: list[FeatureShown] = Field(
        description="Billing and smart charging; empty until the handover"
    )

    @classmethod
    def with_counts(
        cls,
        project: Project,
        counts: Mapping[ChargePointStatus, int],
        features: Sequence[FeatureStatus],
    ) -> "OwnedDetail":
        """Show a project, its numbers of charge points and its features."""
        return cls(
            **OwnedProject.of(project).model_dump(),
            charge_points=dict(counts),
            sign_off_notes=project.sign_off_notes,
            installer_signature=project.installer_signature,
            features=[FeatureShown.of(one) for one in features],
        )
