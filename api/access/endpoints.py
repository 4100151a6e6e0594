"""Endpoints of who may charge, for a site's owner, and for its installer until the handover."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Path, Response

from api.access import service
from api.access.schemas import AccessChange, AccessShown, IdTag, TagLabel, TagShown
from api.deps import AnyCall, ProjectId, router_of
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.states import Role
from storage.access import Access

router = router_of(Role.SITE_OWNER, "/projects/{project_id}", tag="Site owner")
installer_router = router_of(Role.INSTALLER, "/projects/{project_id}", tag="Handover")
_OWNERS_CHOICE = "The site owner has chosen, and alone changes it."

IdTagPath = Annotated[IdTag, Path()]


@installer_router.get(
    "/access",
    summary="Show who may charge after the handover",
    operation_id="getProjectAccess",
    description="Until you or the site owner list id tags or open the site, nobody may charge.",
)
@router.get("/access", summary="Show who may charge", operation_id="getAccess")
async def show(call: AnyCall, project_id: ProjectId) -> AccessShown:
    """Until you list id tags or open the site, its charge points charge for nobody."""
    return await service.shown(call, project_id)


@installer_router.put(
    "/access",
    summary="Choose who may charge after the handover",
    operation_id="setProjectAccess",
    responses=problems(project_handed_over=HANDED_OVER, owner_has_chosen=_OWNERS_CHOICE),
    description="`open` admits everybody, `listed` the listed id tags; the site owner may choose "
    "otherwise.\n\n"
    "It counts from the handover on. What the site owner has chosen stays as it is.",
)
@router.put("/access", summary="Choose who may charge", operation_id="setAccess")
async def choose(call: AnyCall, project_id: ProjectId, body: AccessChange) -> AccessShown:
    """`listed` admits the id tags of your list, `open` every id tag. The list is kept either way.

    It counts from the handover on, for the next card that is presented.
    """
    return await service.choose(call, project_id, body)


@installer_router.get(
    "/id-tags",
    summary="List the id tags that installers have listed",
    operation_id="listProjectIdTags",
    description="Those that the installers of the project have listed, not the site owner's own.",
)
@router.get("/id-tags", summary="List the id tags that may charge", operation_id="listIdTags")
async def list_tags(call: AnyCall, project_id: ProjectId, paging: Paging) -> Page[TagShown]:
    """The list, in the order of the tags."""
    own = Role.INSTALLER if call.account.role is Role.INSTALLER else None
    async with call.read() as connection:
        await call.project(connection, project_id)
        rows = await Access(connection, project_id).page(
            after=paging.after_text(), limit=paging.fetch, set_as=own
        )
    return paging.page(rows, TagShown.of, lambda tag: tag.id_tag)


@installer_router.put(
    "/id-tags/{id_tag}",
    summary="Let an id tag charge after the handover",
    operation_id="putProjectIdTag",
    responses=problems(
        project_handed_over=HANDED_OVER,
        id_tags_full="The list has no place for another.",
        owner_has_chosen=_OWNERS_CHOICE,
    ),
    description="List an id tag for the site owner, or change its label.",
)
@router.put(
    "/id-tags/{id_tag}",
    summary="Let an id tag charge",
    operation_id="putIdTag",
    responses=problems(id_tags_full="The list has no place for another."),
)
async def put_tag(
    call: AnyCall,
    project_id: ProjectId,
    id_tag: IdTagPath,
    body: Annotated[TagLabel | None, Body()] = None,
) -> TagShown:
    """List an id tag, or change its label. Upper and lower case are the same tag."""
    label = body.label if body else None
    tag = await service.put_tag(call, project_id, id_tag, label=label)
    return TagShown.of(tag)


@installer_router.delete(
    "/id-tags/{id_tag}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Take an id tag off the list before the handover",
    operation_id="deleteProjectIdTag",
    responses=problems(project_handed_over=HANDED_OVER, owner_has_chosen=_OWNERS_CHOICE),
    description="Take off what installers have listed; the site owner's own stay.",
)
@router.delete(
    "/id-tags/{id_tag}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Take an id tag off the list",
    operation_id="deleteIdTag",
)
async def delete_tag(call: AnyCall, project_id: ProjectId, id_tag: IdTagPath) -> Response:
    """It charges no more from its next card reading on; a session that runs goes on."""
    await service.remove_tag(call, project_id, id_tag)
    return Response(status_code=HTTPStatus.NO_CONTENT)
