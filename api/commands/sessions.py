"""Endpoint of the sessions that run now."""

from fastapi import APIRouter
from pydantic import Field

from api.deps import OwnerCall, ProjectId
from api.fields import Shown, Timestamp, example
from api.pagination import Page, Paging
from domain.places import number_of
from storage.models.transactions import Transaction
from storage.transactions import running_sessions

router = APIRouter(prefix="/site-owner/projects/{project_id}/sessions", tags=["Running a site"])


class SessionShown(Shown):
    """A session that runs."""

    model_config = example(
        transaction_id="7",
        charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
        connector_id=1,
        id_tag="04A2B3C4D5E680",
        started_at="2026-05-01T10:20:00Z",
    )

    transaction_id: str
    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: Timestamp = Field(description="By the charge point's own clock")


@router.get("", summary="List the sessions that run", operation_id="listRunningSessions")
async def list_running(
    call: OwnerCall, project_id: ProjectId, paging: Paging
) -> Page[SessionShown]:
    """The sessions at the site that have not ended, newest first; those that have are in `cdrs`."""
    async with call.read(project=project_id) as connection:
        rows = await running_sessions(
            connection, project_id, before=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, _shown, lambda session: session.id)


def _shown(session: Transaction) -> SessionShown:
    return SessionShown.of(
        session, transaction_id=session.ocpp_id, connector_id=number_of(session.evse_id)
    )
