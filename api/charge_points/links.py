"""Endpoints that end a contest: a person says which link is the charge point, or that none is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.commands.service import owned_for_service
from api.deps import ChargePointId, InstallerCall, OwnerCall, ProjectId, now
from api.fields import PreciseTimestamp, example
from api.problems import problems
from domain.audit import Actor, AuditAction
from storage.audit import Audit
from storage.charge_points import ChargePoint
from storage.contests import disconnect, keep

installer_router = APIRouter(prefix="/installer/charge-points", tags=["Charge points"])
owner_router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points", tags=["Running a site"]
)

_NOT_CONTESTED: Final = "No two links speak as the charge point."
_NOTHING_TO_CLOSE: Final = "No two links speak as the charge point, and none was kept."
_LinkNumber = Annotated[
    int, Path(ge=1, le=2**31 - 1, examples=[7], description="As `connection.contest` shows it")
]


class LinkKept(BaseModel):
    """The link that is the charge point from now on."""

    model_config = example(
        charge_point_id="cp_01JT8Z0Q5M4N6P7R8S9T0V1W2X",
        link=7,
        remote_address="203.0.113.7",
        kept_at="2026-05-01T09:30:00.000Z",
    )

    charge_point_id: str
    link: int
    remote_address: str | None = Field(
        description="While it is connected from here, others are refused"
    )
    kept_at: PreciseTimestamp


_INSTALLERS: Final = {
    "project_handed_over": "From the handover on its owner decides, or you in a service visit."
}
_OWNERS: Final = {"project_not_handed_over": "Until the handover the installer does this."}


def _refused(nothing: str, whose: Mapping[str, str]) -> dict[int | str, dict[str, Any]]:
    return problems(422, not_contested=nothing, withdrawn="It was withdrawn.", **whose)


class LinksDisconnected(BaseModel):
    """None of the links was the charge point; all are being closed."""

    model_config = example(
        charge_point_id="cp_01JT8Z0Q5M4N6P7R8S9T0V1W2X",
        remote_addresses=["203.0.113.7", "198.51.100.9"],
        disconnected_at="2026-05-01T09:30:00.000Z",
    )

    charge_point_id: str
    remote_addresses: list[str | None] = Field(description="Of the links that are being closed")
    disconnected_at: PreciseTimestamp


@installer_router.post(
    "/{charge_point_id}/links/{link}/keep",
    status_code=HTTPStatus.OK,
    summary="Say which link is the charge point",
    operation_id="keepLink",
    responses=_refused(_NOT_CONTESTED, _INSTALLERS),
)
async def keep_link(
    call: InstallerCall, charge_point_id: ChargePointId, link: _LinkNumber
) -> LinkKept:
    """Two that speak as one charge point are both there: keep the right one.

    The others are closed, and refused for as long as this one is connected. What they have told
    counts no more; a session of that time is held for the site owner.
    """
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        return await _keep(connection, charge_point, link, by=call.actor)


@owner_router.post(
    "/{charge_point_id}/links/{link}/keep",
    status_code=HTTPStatus.OK,
    summary="Say which link is my charge point",
    operation_id="keepLinkOfMine",
    responses=_refused(_NOT_CONTESTED, _OWNERS),
)
async def keep_link_of_mine(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    link: _LinkNumber,
) -> LinkKept:
    """Two that speak as one charge point are both there: keep the right one.

    The others are closed, and refused for as long as this one is connected. What they have told
    counts no more; a session of that time is held until you release it.
    """
    async with call.write() as connection:
        charge_point = await owned_for_service(connection, call, project_id, charge_point_id)
        return await _keep(connection, charge_point, link, by=call.actor)


@installer_router.post(
    "/{charge_point_id}/links/disconnect",
    status_code=HTTPStatus.OK,
    summary="Say that no link is the charge point",
    operation_id="disconnectLinks",
    responses=_refused(_NOTHING_TO_CLOSE, _INSTALLERS),
)
async def disconnect_links(
    call: InstallerCall, charge_point_id: ChargePointId
) -> LinksDisconnected:
    """Several speak as one charge point and none is the right one, or the wrong one was kept.

    All are closed within seconds, and what they have told counts no more. Was one of them kept,
    that is undone. Whoever comes next is served; if another comes then, both are asked anew.
    """
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        return await _disconnect(connection, charge_point, by=call.actor)


@owner_router.post(
    "/{charge_point_id}/links/disconnect",
    status_code=HTTPStatus.OK,
    summary="Say that no link is my charge point",
    operation_id="disconnectLinksOfMine",
    responses=_refused(_NOTHING_TO_CLOSE, _OWNERS),
)
async def disconnect_links_of_mine(
    call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId
) -> LinksDisconnected:
    """Several speak as one charge point and none is the right one, or the wrong one was kept.

    All are closed within seconds, and what they have told counts no more. Was one of them kept,
    that is undone. Whoever comes next is served; if another comes then, both are asked anew.
    """
    async with call.write() as connection:
        charge_point = await owned_for_service(connection, call, project_id, charge_point_id)
        return await _disconnect(connection, charge_point, by=call.actor)


async def _disconnect(
    connection: AsyncConnection, charge_point: ChargePoint, *, by: Actor
) -> LinksDisconnected:
    ended = await disconnect(connection, charge_point.id, at=now())
    addresses = list(ended.remote_addresses)
    await Audit(connection, charge_point.project_id).write(
        AuditAction.CHARGE_POINT_LINKS_DISCONNECTED,
        by,
        target=charge_point.id,
        at=ended.at,
        before={"links": addresses},
        after={"links": []},
    )
    return LinksDisconnected(
        charge_point_id=charge_point.id, remote_addresses=addresses, disconnected_at=ended.at
    )


async def _keep(
    connection: AsyncConnection, charge_point: ChargePoint, link: int, *, by: Actor
) -> LinkKept:
    kept = await keep(connection, charge_point.id, link, at=now())
    if kept.before is not None:
        await Audit(connection, charge_point.project_id).write(
            AuditAction.CHARGE_POINT_LINK_KEPT,
            by,
            target=charge_point.id,
            at=kept.at,
            before={"links": [one.remote_address for one in kept.before.links]},
            after={"link": link, "remote_address": kept.remote_address},
        )
    return LinkKept(
        charge_point_id=charge_point.id,
        link=link,
        remote_address=kept.remote_address,
        kept_at=kept.at,
    )
