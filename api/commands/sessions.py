"""Endpoint of the sessions that run now."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.deps import AppParts, OwnedProjectId, SiteOwner
from api.fields import Timestamp
from api.pagination import Page, Paging
from api.problems import problems
from storage.projects import Projects
from storage.running import RunningSession, running_sessions

router = APIRouter(prefix="/site-owner/projects/{project_id}/sessions", tags=["Running a site"])


class SessionShown(BaseModel):
    """A session that runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "transaction_id": "7",
                    "charge_point_id": "cp_01HX5P2QRSTUVWXYZ0",
                    "connector_id": 1,
                    "id_tag": "04A2B3C4D5E680",
                    "started_at": "2026-05-01T10:20:00Z",
                }
            ]
        }
    )

    transaction_id: str
    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: Timestamp = Field(description="By the charge point's own clock")

    @classmethod
    def of(cls, session: RunningSession) -> "SessionShown":
        """Show a session."""
        return cls(
            transaction_id=session.transaction_id,
            charge_point_id=session.charge_point_id,
            connector_id=session.connector_id,
            id_tag=session.id_tag,
            started_at=session.started_at,
        )


@router.get(
    "",
    summary="List the sessions that run",
    operation_id="listRunningSessions",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_running(
    project_id: OwnedProjectId, owner: SiteOwner, parts: AppParts, paging: Paging
) -> Page[SessionShown]:
    """The sessions at the site that have not ended, newest first; those that have are in `cdrs`."""
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        rows = await running_sessions(
            connection, project_id, before=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, SessionShown.of, lambda session: session.number)
