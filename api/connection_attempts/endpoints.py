"""Endpoints of refused connections."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.connection_attempts.schemas import Claim, Claimed, ConnectionAttempt, UnclaimedShown
from api.deps import ChargePointId, InstallerCall, ProjectId, now
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import AuditAction
from domain.errors import NotFoundError
from domain.ids import Prefix, is_id
from storage.audit import Audit
from storage.connection_attempts import page_of_attempts, page_of_nameless
from storage.unclaimed import Unclaimed

router = APIRouter(prefix="/installer", tags=["Charge points"])


@router.get(
    "/charge-points/{charge_point_id}/connection-attempts",
    summary="List refused connections",
    operation_id="listConnectionAttempts",
)
async def list_connection_attempts(
    call: InstallerCall, charge_point_id: ChargePointId, paging: Paging
) -> Page[ConnectionAttempt]:
    """Connections of the charge point that were refused, newest first; the newest 20 are kept.

    An empty list means that it never tried: look at its endpoint, its network and its firewall.
    """
    async with call.read(charge_point=charge_point_id) as connection:
        rows = await page_of_attempts(
            connection, charge_point_id, after=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, ConnectionAttempt.of, lambda found: found.id)


@router.get(
    "/projects/{project_id}/connection-attempts",
    summary="List refused connections that name no charge point",
    operation_id="listNamelessAttempts",
)
async def list_nameless_attempts(
    call: InstallerCall, project_id: ProjectId, paging: Paging
) -> Page[ConnectionAttempt]:
    """Refused connections without a path, as TLS on a plain port is; the newest 20 are kept.

    Shown are those from an address that charge points of this project, and of no other, last came
    from. Look for the charge point that is set up so.
    """
    async with call.read() as connection:
        await call.project(connection, project_id, by_visit=True)
        rows = await page_of_nameless(
            connection, project_id, after=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, ConnectionAttempt.of, lambda found: found.id)


@router.get(
    "/projects/{project_id}/unclaimed",
    summary="List unclaimed charge points",
    operation_id="listUnclaimed",
)
async def list_unclaimed(
    call: InstallerCall, project_id: ProjectId, paging: Paging
) -> Page[UnclaimedShown]:
    """Charge points that try to connect with a serial number of this project, or a misspelt id.

    Shown are those that have never connected, and that can be no charge point of anybody else.
    `matches` says why each is shown.
    """
    async with call.read() as connection:
        await call.project(connection, project_id, by_visit=True)
        rows = await Unclaimed(connection, installer_id=call.account.id).page(
            project_id, before=paging.after_id(Prefix.CHARGE_POINT), limit=paging.fetch
        )
    return paging.page(rows, UnclaimedShown.of, lambda found: found.charge_point_id)


@router.post(
    "/projects/{project_id}/unclaimed/{identity:path}/claim",
    summary="Claim a charge point",
    operation_id="claimIdentity",
    responses=problems(
        identity_claimed="It was claimed for another charge point of yours: `charge_point_id`.",
        serial_mismatch="The identity is like neither the serial number nor the id.",
        has_connected="The charge point has connected already.",
        project_handed_over=HANDED_OVER,
    ),
)
async def claim_identity(
    call: InstallerCall,
    project_id: ProjectId,
    identity: Annotated[str, Path(examples=["CP-SN-00483921"])],
    body: Claim,
) -> Claimed:
    """Admit this identity as that charge point, from its next attempt on.

    Everything continues under the charge point's own id. Claiming again changes nothing; another
    serial number of the charge point ends the claim.
    """
    at = now()
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, by_visit=True)
        charge_point = (
            await call.charge_point(connection, body.charge_point_id)
            if is_id(Prefix.CHARGE_POINT, body.charge_point_id)
            else None
        )
        if charge_point is None or charge_point.project_id != project_id:
            raise NotFoundError(
                "charge_point_not_found", "The project has no charge point with this id."
            )
        unclaimed = Unclaimed(connection, installer_id=call.account.id)
        since = await unclaimed.claim(identity, charge_point, at=at)
        if since == at:
            await Audit(connection, project_id).write(
                AuditAction.IDENTITY_CLAIMED,
                call.actor,
                target=charge_point.id,
                at=at,
                after={"identity": identity},
            )
    return Claimed(identity=identity, charge_point_id=charge_point.id, claimed_at=since)
