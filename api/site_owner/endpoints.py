"""Endpoints of the site owner's side."""

from fastapi import APIRouter

from api.accounts.security import login_router
from api.deps import OwnerCall
from api.pagination import Page, Paging
from api.site_owner.schemas import OwnedProject
from domain.ids import Prefix
from domain.states import Role
from storage.projects import Projects

router = APIRouter(prefix="/site-owner", tags=["Site owner"])
router.include_router(login_router(Role.SITE_OWNER))


@router.get("/projects", summary="List my projects", operation_id="listOwnedProjects")
async def list_projects(call: OwnerCall, paging: Paging) -> Page[OwnedProject]:
    """The projects that you have claimed, newest first."""
    async with call.read() as connection:
        rows = await Projects(connection).page_of_owner(
            site_owner_id=call.account.id,
            before=paging.after_id(Prefix.PROJECT),
            limit=paging.fetch,
        )
    return paging.page(rows, OwnedProject.of, lambda project: project.id)
