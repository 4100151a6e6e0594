"""Shapes of the site owner's side."""

from typing import Any

from pydantic import Field

from api.fields import Shown, Timestamp, example
from api.power.schemas import FeatureShown
from domain.states import ChargePointStatus, ProjectStatus

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


class OwnedProject(Shown):
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


class OwnedDetail(OwnedProject):
    """A project with the state of its charge points, as its site owner sees it."""

    model_config = example(
        **_PROJECT,
        charge_points={"commissioned": 4},
        sign_off_notes="All connectors tested.",
        installer_signature="J. Smith",
        features=[],
    )

    charge_points: dict[ChargePointStatus, int] = Field(
        description="How many charge points are in each status"
    )
    sign_off_notes: str | None
    installer_signature: str | None
    features: list[FeatureShown] = Field(
        description="Billing and smart charging; empty until the handover"
    )
