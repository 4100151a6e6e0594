"""Endpoints of projects."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import Acting, AppParts, Installer, ProjectId, now
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
    responses=problems(400, 401, 403, 413, 422, 503),
)
async def create_project(
    body: NewProject, installer: Installer, parts: AppParts, actor: Acting
) -> ProjectCreated:
    """Group charge points under a project to represent a physical site or contract."""
    project = Project(
        id=new_id(Prefix.PROJECT),
        installer_id=installer.id,
        name=body.name,
        address=body.address,
        site_owner_email=body.site_owner_email,
        status=ProjectStatus.IN_PROGRESS,
        created_at=now(),
        time_zone=body.time_zone or parts.settings.time_zone,
    )
    await parts.temporal.check()  # before the row: without Temporal nothing is half done
    async with parts.database.write() as connection:
        await refuse_beyond_quota(parts, connection, installer, Counted.PROJECTS)
        await Projects(connection).create(project)
        await Audit(connection, project.id).write(
            AuditAction.PROJECT_CREATED,
            actor,
            target=project.id,
            at=project.created_at,
            after=body.model_dump(mode="json"),
        )
    # The project exists from here on, so a start that is lost now is no error of the caller's:
    # each later update starts the workflow if need be.
    with suppress(UnavailableError):
        await parts.temporal.ensure_project(project_request(project))
    return ProjectCreated(
        id=project.id, name=project.name, status=project.status, created_at=project.created_at
    )


@router.get(
    "",
    summary="List projects",
    operation_id="listProjects",
    responses=problems(401, 403, 422, 503),
)
async def list_projects(
    installer: Installer,
    parts: AppParts,
    paging: Paging,
    *,
    status: Annotated[ProjectStatus | None, Query(description="Only those in this status")] = None,
    archived: Annotated[
        bool, Query(description="Those that are archived, in place of those that are not")
    ] = False,
) -> Page[ProjectShown]:
    """The projects that you work on, newest first."""
    async with parts.database.read() as connection:
        rows = await Projects(connection).page(
            installer_id=installer.id,
            status=status,
            archived=archived,
            before=paging.after_id(Prefix.PROJECT),
            limit=paging.fetch,
        )
    return paging.page(rows, ProjectShown.of, lambda project: project.id)


@router.get(
    "/{project_id}",
    summary="Show a project",
    operation_id="getProject",
    responses=problems(401, 403, 404, 503),
)
async def get_project(
    project_id: ProjectId, installer: Installer, parts: AppParts
) -> ProjectDetail:
    """A project, with the number of its charge points in each status.

    Once it is handed over, this summary and the certificates are what you keep of it; `features`
    shows how far billing and smart charging are for the owner.
    """
    async with parts.database.read() as connection:
        projects = Projects(connection)
        project = await projects.get(
            project_id, installer_id=installer.id, even_handed_over=True, by_visit=True
        )
        # Who has not worked on it is told of what the service visit has, and no more.
        visitor = None if project.is_kept else installer.id
        counts = await projects.counts(project_id, visitor=visitor)
        shown = project.is_kept and project.status is ProjectStatus.HANDED_OVER
        features = await read_features(connection, project_id) if shown else ()
    return ProjectDetail.with_counts(project, counts, features)


@router.patch(
    "/{project_id}",
    summary="Change a project",
    operation_id="changeProject",
    responses=problems(400, 401, 403, 404, 413, 422, 503, project_handed_over=HANDED_OVER),
)
async def change_project(
    project_id: ProjectId,
    body: ProjectChange,
    installer: Installer,
    parts: AppParts,
    actor: Acting,
) -> ProjectDetail:
    """Change the name, the address, the owner's e-mail, the time zone; what is left out stays."""
    async with parts.database.write() as connection:
        projects = Projects(connection)
        before = await projects.for_change(project_id, installer_id=installer.id, lead=True)
        changes = body.model_dump(exclude_unset=True)
        await projects.change(project_id, changes)
        await Audit(connection, project_id).write(
            AuditAction.PROJECT_CHANGED,
            actor,
            target=project_id,
            at=now(),
            before={name: getattr(before, name) for name in changes},
            after=changes,
        )
        return await _detail(projects, project_id, installer)


@router.delete(
    "/{project_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a project",
    operation_id="removeProject",
    responses=problems_even_archived(
        401,
        403,
        404,
        503,
        project_not_empty="It has charge points, people or a pending invitation; archive it.",
        project_handed_over=HANDED_OVER,
    ),
)
async def remove_project(
    project_id: ProjectId, installer: Installer, parts: AppParts, actor: Acting
) -> Response:
    """Remove a project that was made by mistake and has nothing in it; leads alone can.

    Its settings and its ended invitations go with it. What it has in it can be archived.
    """
    async with parts.database.write() as connection:
        project = await Projects(connection).for_change(
            project_id, installer_id=installer.id, lead=True, even_archived=True
        )
    # Its workflow removes it, and ends with it: nothing of it is left running.
    await parts.temporal.remove_project(project_request(project), RemoveProject(by=actor.by_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{project_id}/archive",
    summary="Archive a project",
    operation_id="archiveProject",
    responses=problems_even_archived(
        401,
        403,
        404,
        503,
        commissioning_open="Something of it is being commissioned: wait, or cancel that.",
        project_handed_over=HANDED_OVER,
    ),
)
async def archive_project(
    project_id: ProjectId, installer: Installer, parts: AppParts, actor: Acting
) -> ProjectDetail:
    """Put a project aside until it is brought back; leads alone can.

    It leaves the lists, and nothing of it can be changed or commissioned. Nothing is lost: what is
    known of it can still be read, its people stay, its pending invitations wait (their time runs
    on), and a charge point that is connected stays connected.
    """
    async with parts.database.write() as connection:
        projects = Projects(connection)
        project = await projects.for_change(
            project_id, installer_id=installer.id, lead=True, even_archived=True
        )
        await ProjectShelf(connection).archive(project, at=now(), by=actor)
        return await _detail(projects, project_id, installer)


@router.post(
    "/{project_id}/unarchive",
    summary="Bring an archived project back",
    operation_id="unarchiveProject",
    responses=problems_even_archived(401, 403, 404, 503, project_handed_over=HANDED_OVER),
)
async def unarchive_project(
    project_id: ProjectId, installer: Installer, parts: AppParts, actor: Acting
) -> ProjectDetail:
    """Bring a project back as it was; leads alone can."""
    async with parts.database.write() as connection:
        projects = Projects(connection)
        project = await projects.for_change(
            project_id, installer_id=installer.id, lead=True, even_archived=True
        )
        await ProjectShelf(connection).unarchive(project, at=now(), by=actor)
        return await _detail(projects, project_id, installer)


async def _detail(projects: Projects, project_id: str, installer: Account) -> ProjectDetail:
    project = await projects.get(project_id, installer_id=installer.id)
    return ProjectDetail.with_counts(project, await projects.counts(project_id), ())


def project_request(project: Project) -> ProjectRequest:
    """Input of the project's workflow."""
    return ProjectRequest(
        project_id=project.id, installer_id=project.installer_id, name=project.name
    )
