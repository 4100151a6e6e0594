"""A site that was handed over, and who comes to it again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from api.deps import now
from domain.states import ChargePointStatus, ProjectStatus
from storage.billing_activation import BillingActivation
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, V1, Caller
from tests.api.conftest import Outbox, Own

OWNER = "facilities@riversidebp.com"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A project that is its owner's: its charge points, and the path of its service visits."""

    project: str
    bays: tuple[str, ...]
    owner: Caller

    @property
    def visits(self) -> str:
        return f"{V1}/site-owner/projects/{self.project}/service-visits"

    async def visit(self, email: str, *bays: str, **changes: Any) -> str:
        """Open a service visit to these bays, or to all; returns its id."""
        body = {
            "email": email,
            "purpose": "Bay 3 trips its breaker.",
            "ends_at": (now() + timedelta(days=7)).isoformat(),
            **({"charge_points": list(bays)} if bays else {}),
            **changes,
        }
        answer = await self.owner.call("POST", self.visits, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def handed_over(
    installer: Caller, owner: Own, database: Database, *, bays: int = 2, email: str = OWNER
) -> Site:
    """Hand a project over, as if its charge points had passed."""
    project = await installer.project()
    made = []
    for number in range(bays):
        body = GUIDE_CHARGE_POINT | {"project_id": project, "serial_number": f"SN-{number}"}
        made.append((await installer.post("/charge-points", body)).json()["id"])
    of_site = await owner(email, project)
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))
        await connection.execute(
            update(Project)
            .where(col(Project.id) == project)
            .values(status=ProjectStatus.HANDED_OVER, handed_over_at=now())
        )
        await BillingActivation(connection, project).begin(at=now())
    return Site(project=project, bays=tuple(made), owner=of_site)


async def accept(caller: Caller, outbox: Outbox, **changes: Any) -> dict[str, Any]:
    """Accept the visit that was mailed last, with the caller's own account."""
    body = {"token": outbox.token(), "password": PASSWORD, **changes}
    answer = await caller.post("/invitations/accept", body)
    assert answer.status_code in {200, 201}, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


async def status_of(database: Database, charge_point_id: str) -> str:
    """How the charge point stands."""
    async with database.read() as connection:
        return str(
            await connection.scalar(
                select(col(ChargePoint.status)).where(col(ChargePoint.id) == charge_point_id)
            )
        )
