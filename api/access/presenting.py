"""Endpoints of listing an id tag by presenting the card at a charge point."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.access.schemas import TagAwaited, TagWanted
from api.commands.service import owned_for_service
from api.deps import ChargePointId, OwnerCall, ProjectId, now
from api.problems import problems
from domain.audit import AuditAction
from domain.errors import NotFoundError
from storage.audit import Audit
from storage.awaited_tags import AwaitedTags
from storage.charge_points import ChargePoints

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points/{charge_point_id}/awaited-id-tag",
    tags=["Running a site"],
)


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    summary="List the next card that is presented there",
    operation_id="awaitIdTag",
    responses=problems(
        project_not_handed_over="Until the handover nobody charges there.",
        withdrawn="It was taken out of the project.",
    ),
)
async def await_tag(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    body: Annotated[TagWanted | None, Body()] = None,
) -> TagAwaited:
    """The next card that may not charge yet is listed, and charges; one card, once.

    Present it at the charge point in time; `GET` says which came.
    """
    wanted = body or TagWanted()
    at = now()
    until = at + timedelta(seconds=wanted.seconds)
    async with call.write() as connection:
        await owned_for_service(connection, call, project_id, charge_point_id)
        await AwaitedTags(connection, charge_point_id).put(
            label=wanted.label, by=call.actor, at=at, until=until
        )
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_AWAITED,
            call.actor,
            target=charge_point_id,
            at=at,
            after={"label": wanted.label, "seconds": wanted.seconds},
        )
    return TagAwaited(label=wanted.label, until=until, id_tag=None)


@router.get("", summary="Show which card was presented", operation_id="getAwaitedIdTag")
async def get_awaited(
    call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId
) -> TagAwaited:
    """`id_tag` is the card that came; null until one does, and after `until` none is taken."""
    async with call.read(project=project_id, charge_point=charge_point_id) as connection:
        found = await AwaitedTags(connection, charge_point_id).get()
    if found is None:
        raise NotFoundError(
            "no_id_tag_awaited", "No card is awaited there. POST first, then present the card."
        )
    return TagAwaited.of(found)


@router.delete(
    "",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Await no card any more",
    operation_id="endAwaitedIdTag",
)
async def end(call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId) -> Response:
    """A card that came stays listed."""
    async with call.write() as connection:
        await call.project(connection, project_id)
        await ChargePoints(connection).in_project(charge_point_id, project_id)
        await AwaitedTags(connection, charge_point_id).end()
    return Response(status_code=HTTPStatus.NO_CONTENT)
