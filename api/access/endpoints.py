"""Endpoints of who may charge, for a site's owner, and for its installer until the handover."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.access.schemas import AccessChange, AccessShown, IdTag, TagLabel, TagShown
from api.call import Call
from api.deps import AnyCall, ProjectId, now, router_of
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import AuditAction
from domain.states import OfflineAccess, Role
from storage.access import Access
from storage.audit import Audit

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
    async with call.read(project=project_id) as connection:
        return await _shown(Access(connection, project_id))


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
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        access = Access(connection, project_id)
        before = await _shown(access)
        await access.set_mode(body.mode, by=call.account.role, at=now(), offline=body.offline)
        after = await _shown(access)
        await Audit(connection, project_id).write(
            AuditAction.ACCESS_CHANGED,
            call.actor,
            target=project_id,
            at=now(),
            before=_audited(before),
            after=_audited(after),
        )
        return after


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
    async with call.read(project=project_id) as connection:
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
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        tag = await Access(connection, project_id).put(
            id_tag, label=label, at=now(), by=call.account.role
        )
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_PUT, call.actor, target=id_tag, at=now(), after={"label": tag.label}
        )
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
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        await Access(connection, project_id).remove(id_tag, by=call.account.role, at=now())
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_REMOVED, call.actor, target=id_tag, at=now()
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _shown(access: Access) -> AccessShown:
    mode, count = await access.mode()
    offline = await access.offline() or OfflineAccess.LISTED
    return AccessShown(mode=mode, id_tags=count, offline=offline)


def _audited(shown: AccessShown) -> dict[str, str]:
    return {"mode": shown.mode, "offline": shown.offline}


async def _for_change(connection: AsyncConnection, call: Call, project_id: str) -> None:
    if call.account.role is Role.INSTALLER:
        await call.project_for_change(connection, project_id, lead=True)
    else:
        await call.project(connection, project_id)
