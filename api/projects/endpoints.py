"""Endpoints of projects."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import InstallerCall, ProjectId, now
from api.pagination import Page, Paging
from api.problems import problems, problems_even_archived
from api.projects.schemas import (
    NewProject,
    ProjectChange,
    ProjectCreated,
    ProjectDetail,
    ProjectShown,
)
from api.verified import refuse_beyond_quota
from domain.accounts import Counted
from domain.audit import AuditAction
from domain.errors import UnavailableError
from domain.handover import ProjectRequest, RemoveProject
from domain.ids import Prefix, new_id
from domain.states import ProjectStatus
from storage.audit import Audit
from storage.features import read_features
from storage.models.accounts import Account
from storage.project_shelf import ProjectShelf
from storage.projects import Project, Projects

router = APIRouter(prefix="/installer/projects", tags=["Projects"])

HANDED_OVER = "The project was handed over; nothing of it can be changed."


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Create a project",
    operation_id="createProject",
)
async def create_project(call: InstallerCall, body: NewProject) -> ProjectCreated:
    """Group charge points under a project to represent a physical site or contract."""
    project = Project(
        id=new_id(Prefix.PROJECT),
        installer_id=call.account.id,
        name=body.name,
        address=body.address,
        site_owner_email=body.site_owner_email,
        status=ProjectStatus.IN_PROGRESS,
        created_at=now(),
        time_zone=body.time_zone or call.parts.settings.time_zone,
    )
    await call.parts.temporal.check()  # before the row: without Temporal nothing is half done
    async with call.write() as connection:
        await refuse_beyond_quota(call, connection, Counted.PROJECTS)
        await Projects(connection).create(project)
        await Audit(connection, project.id).write(
            AuditAction.PROJECT_CREATED,
            call.actor,
            target=project.id,
            at=project.created_at,
            after=body.model_dump(mode="json"),
        )
    # The project exists from here on, so a start that is lost now is no error of the caller's:
    # each later update starts the workflow if need be.
    with suppress(UnavailableError):
        await call.parts.temporal.ensure_project(project_request(project))
    return ProjectCreated.of(project)


@router.get("", summary="List projects", operation_id="listProjects")
async def list_projects(
    call: InstallerCall,
    paging: Paging,
    *,
    status: Annotated[ProjectStatus | None, Query(description="Only those in this status")] = None,
    archived: Annotated[
        bool, Query(description="Those that are archived, in place of those that are not")
    ] = False,
) -> Page[ProjectShown]:
    """The projects that you work on, newest first."""
    async with call.read() as connection:
        rows = await Projects(connection).page(
            installer_id=call.account.id,
            status=status,
            archived=archived,
            before=paging.after_id(Prefix.PROJECT),
            limit=paging.fetch,
        )
    return paging.page(rows, ProjectShown.of, lambda project: project.id)


@router.get("/{project_id}", summary="Show a project", operation_id="getProject")
async def get_project(call: InstallerCall, project_id: ProjectId) -> ProjectDetail:
    """A project, with the number of its charge points in each status.

    Once it is handed over, this summary and the certificates are what you keep of it; `features`
    shows how far billing and smart charging are for the owner.
    """
    async with call.read() as connection:
        projects = Projects(connection)
        project = await call.project(connection, project_id, even_handed_over=True, by_visit=True)
        # Who has not worked on it is told of what the service visit has, and no more.
        visitor = None if project.is_kept else call.account.id
        counts = await projects.counts(project_id, visitor=visitor)
        shown = project.is_kept and project.status is ProjectStatus.HANDED_OVER
        features = await read_features(connection, project_id) if shown else ()
    return ProjectDetail.of(project, charge_points=counts, features=features)


@router.patch(
    "/{project_id}",
    summary="Change a project",
    operation_id="changeProject",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def change_project(
    call: InstallerCall, project_id: ProjectId, body: ProjectChange
) -> ProjectDetail:
    """Change the name, the address, the owner's e-mail, the time zone; what is left out stays."""
    async with call.write() as connection:
        projects = Projects(connection)
        before = await call.project_for_change(connection, project_id, lead=True)
        changes = body.model_dump(exclude_unset=True)
        await projects.change(project_id, changes)
        await Audit(connection, project_id).write(
            AuditAction.PROJECT_CHANGED,
            call.actor,
            target=project_id,
            at=now(),
            before={name: getattr(before, name) for name in changes},
            after=changes,
        )
        return await _detail(projects, project_id, call.account)


@router.delete(
    "/{project_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a project",
    operation_id="removeProject",
    responses=problems_even_archived(
        project_not_empty="It has charge points, people or a pending invitation; archive it.",
        project_handed_over=HANDED_OVER,
    ),
)
async def remove_project(call: InstallerCall, project_id: ProjectId) -> Response:
    """Remove a project that was made by mistake and has nothing in it; leads alone can.

    Its settings and its ended invitations go with it. What it has in it can be archived.
    """
    async with call.write() as connection:
        project = await call.project_for_change(
            connection, project_id, lead=True, even_archived=True
        )
    # Its workflow removes it, and ends with it: nothing of it is left running.
    await call.parts.temporal.remove_project(
        project_request(project), RemoveProject(by=call.actor.by_id)
    )
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{project_id}/archive",
    summary="Archive a project",
    operation_id="archiveProject",
    responses=problems_even_archived(
        commissioning_open="Something of it is being commissioned: wait, or cancel that.",
        project_handed_over=HANDED_OVER,
    ),
)
async def archive_project(call: InstallerCall, project_id: ProjectId) -> ProjectDetail:
    """Put a project aside until it is brought back; leads alone can.

    It leaves the lists, and nothing of it can be changed or commissioned. Nothing is lost: what is
    known of it can still be read, its people stay, its pending invitations wait (their time runs
    on), and a charge point that is connected stays connected.
    """
    async with call.write() as connection:
        projects = Projects(connection)
        project = await call.project_for_change(
            connection, project_id, lead=True, even_archived=True
        )
        await ProjectShelf(connection).archive(project, at=now(), by=call.actor)
        return await _detail(projects, project_id, call.account)


@router.post(
    "/{project_id}/unarchive",
    summary="Bring an archived project back",
    operation_id="unarchiveProject",
    responses=problems_even_archived(project_handed_over=HANDED_OVER),
)
async def unarchive_project(call: InstallerCall, project_id: ProjectId) -> ProjectDetail:
    """Bring a project back as it was; leads alone can."""
    async with call.write() as connection:
        projects = Projects(connection)
        project = await call.project_for_change(
            connection, project_id, lead=True, even_archived=True
        )
        await ProjectShelf(connection).unarchive(project, at=now(), by=call.actor)
        return await _detail(projects, project_id, call.account)


async def _detail(projects: Projects, project_id: str, installer: Account) -> ProjectDetail:
    project = await projects.get(project_id, installer_id=installer.id)
    return ProjectDetail.of(project, charge_points=await projects.counts(project_id), features=())


def project_request(project: Project) -> ProjectRequest:
    """Input of the project's workflow."""
    return ProjectRequest(
        project_id=project.id, installer_id=project.installer_id, name=project.name
    )
