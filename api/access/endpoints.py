"""Endpoints of who may charge: the owner's own list of id tags, or everybody."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from api.access import service
from api.access.schemas import AccessChange, AccessShown, IdTag, TagLabel, TagShown
from api.deps import OwnerCall, ProjectId
from api.pagination import Page, Paging
from api.problems import problems
from storage.access import Access
from storage.projects import Projects

router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Site owner"])

IdTagPath = Annotated[IdTag, Path()]


@router.get(
    "/access",
    summary="Show who may charge",
    operation_id="getAccess",
)
async def show(call: OwnerCall, project_id: ProjectId) -> AccessShown:
    """Until you list id tags or open the site, its charge points charge for nobody."""
    return await service.shown(call, project_id)


@router.put(
    "/access",
    summary="Choose who may charge",
    operation_id="setAccess",
)
async def choose(call: OwnerCall, project_id: ProjectId, body: AccessChange) -> AccessShown:
    """`listed` admits the id tags of your list, `open` every id tag. The list is kept either way.

    It counts from the handover on, for the next card that is presented.
    """
    return await service.choose(call, project_id, body)


@router.get(
    "/id-tags",
    summary="List the id tags that may charge",
    operation_id="listIdTags",
)
async def list_tags(call: OwnerCall, project_id: ProjectId, paging: Paging) -> Page[TagShown]:
    """The list, in the order of the tags."""
    async with call.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=call.account.id)
        rows = await Access(connection, project_id).page(
            after=paging.after_text(), limit=paging.fetch
        )
    return paging.page(rows, TagShown.of, lambda tag: tag.id_tag)


@router.put(
    "/id-tags/{id_tag}",
    summary="Let an id tag charge",
    operation_id="putIdTag",
    responses=problems(id_tags_full="The list has no place for another."),
)
async def put_tag(
    call: OwnerCall,
    project_id: ProjectId,
    id_tag: IdTagPath,
    body: Annotated[TagLabel | None, Body()] = None,
) -> TagShown:
    """List an id tag, or change its label. Upper and lower case are the same tag."""
    label = body.label if body else None
    tag = await service.put_tag(call, project_id, id_tag, label=label)
    return TagShown.of(tag)


@router.delete(
    "/id-tags/{id_tag}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Take an id tag off the list",
    operation_id="deleteIdTag",
)
async def delete_tag(call: OwnerCall, project_id: ProjectId, id_tag: IdTagPath) -> Response:
    """It charges no more from its next card reading on; a session that runs goes on."""
    await service.remove_tag(call, project_id, id_tag)
    return Response(status_code=HTTPStatus.NO_CONTENT)
