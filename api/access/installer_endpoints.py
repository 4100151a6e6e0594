"""Endpoints of who may charge, for the installer until the handover."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.access import service
from api.access.endpoints import IdTagPath
from api.access.schemas import AccessChange, AccessShown, TagLabel, TagShown
from api.deps import InstallerCall, ProjectId
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.states import Role
from storage.access import Access
from storage.projects import Projects

router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Handover"])

_OWNERS_CHOICE = "The site owner has chosen, and alone changes it."


@router.get(
    "/access",
    summary="Show who may charge after the handover",
    operation_id="getProjectAccess",
)
async def show(call: InstallerCall, project_id: ProjectId) -> AccessShown:
    """Until you or the site owner list id tags or open the site, nobody may charge."""
    return await service.shown(call, project_id)


@router.put(
    "/access",
    summary="Choose who may charge after the handover",
    operation_id="setProjectAccess",
    responses=problems(project_handed_over=HANDED_OVER, owner_has_chosen=_OWNERS_CHOICE),
)
async def choose(call: InstallerCall, project_id: ProjectId, body: AccessChange) -> AccessShown:
    """`open` admits everybody, `listed` the listed id tags; the site owner may choose otherwise.

    It counts from the handover on. What the site owner has chosen stays as it is.
    """
    return await service.choose(call, project_id, body)


@router.get(
    "/id-tags",
    summary="List the id tags that installers have listed",
    operation_id="listProjectIdTags",
)
async def list_tags(call: InstallerCall, project_id: ProjectId, paging: Paging) -> Page[TagShown]:
    """Those that the installers of the project have listed, not the site owner's own."""
    async with call.read() as connection:
        await Projects(connection).get(project_id, installer_id=call.account.id)
        rows = await Access(connection, project_id).page(
            after=paging.after_text(), limit=paging.fetch, set_as=Role.INSTALLER
        )
    return paging.page(rows, TagShown.of, lambda tag: tag.id_tag)


@router.put(
    "/id-tags/{id_tag}",
    summary="Let an id tag charge after the handover",
    operation_id="putProjectIdTag",
    responses=problems(
        project_handed_over=HANDED_OVER,
        id_tags_full="The list has no place for another.",
        owner_has_chosen=_OWNERS_CHOICE,
    ),
)
async def put_tag(
    call: InstallerCall,
    project_id: ProjectId,
    id_tag: IdTagPath,
    body: Annotated[TagLabel | None, Body()] = None,
) -> TagShown:
    """List an id tag for the site owner, or change its label."""
    label = body.label if body else None
    tag = await service.put_tag(call, project_id, id_tag, label=label)
    return TagShown.of(tag)


@router.delete(
    "/id-tags/{id_tag}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Take an id tag off the list before the handover",
    operation_id="deleteProjectIdTag",
    responses=problems(project_handed_over=HANDED_OVER, owner_has_chosen=_OWNERS_CHOICE),
)
async def delete_tag(call: InstallerCall, project_id: ProjectId, id_tag: IdTagPath) -> Response:
    """Take off what installers have listed; the site owner's own stay."""
    await service.remove_tag(call, project_id, id_tag)
    return Response(status_code=HTTPStatus.NO_CONTENT)
