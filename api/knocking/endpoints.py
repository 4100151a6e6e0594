"""Endpoints of refused connections."""

from fastapi import APIRouter

from api.deps import AppParts, ChargePointId, Installer
from api.knocking.schemas import AttemptShown
from api.pagination import Page, Paging
from api.problems import problems
from storage.attempts import page_of_attempts
from storage.charge_points import ChargePoints

router = APIRouter(prefix="/installer", tags=["Charge points"])


@router.get(
    "/charge-points/{charge_point_id}/connection-attempts",
    summary="List refused connections",
    operation_id="listConnectionAttempts",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_connection_attempts(
    charge_point_id: ChargePointId, installer: Installer, parts: AppParts, paging: Paging
) -> Page[AttemptShown]:
    """Connections of the charge point that were refused, newest first; the newest 20 are kept.

    An empty list means that it never knocked: look at its endpoint, its network and its firewall.
    """
    async with parts.database.read() as connection:
        await ChargePoints(connection).get(charge_point_id, installer_id=installer.id)
        rows = await page_of_attempts(
            connection, charge_point_id, after=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, AttemptShown.of, lambda knock: knock.id)
