"""Projects, as their installer and their site owner see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import ConflictError, ForbiddenError, NotFoundError
from domain.states import ChargePointStatus, ProjectRole, ProjectStatus
from storage.members import Members
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project as ProjectRow
from storage.models.projects import ProjectMember
from storage.read_models import read_model
from storage.rows import Repository, Rows
from storage.visiting import in_visit, is_project_of, newest_visit


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A physical site or contract that groups charge points.

    ``installer_id`` has made it; ``member_role`` is what the installer who asks is in its team,
    and ``service_visit_id`` their newest open service visit, after the handover.
    """

    id: str
    installer_id: str
    name: str
    address: str
    site_owner_email: str
    status: ProjectStatus
    created_at: datetime
    time_zone: str = "UTC"
    site_owner_id: str | None = None
    handed_over_at: datetime | None = None
    sign_off_notes: str | None = None
    installer_signature: str | None = None
    archived_at: datetime | None = None
    member_role: ProjectRole | None = None
    service_visit_id: str | None = None

    @property
    def role(self) -> ProjectRole | None:
        """What the installer who asks is to it."""
        return ProjectRole.SERVICE if self.service_visit_id else self.member_role

    @property
    def is_kept(self) -> bool:
        """Whether the installer who asks has worked on it, and keeps its summary."""
        return self.member_role is not None


_project = read_model(Project)


class Projects(Repository):
    """Repository of projects. Somebody else's project does not exist for the caller.

    Where one that is asked for is not there: NotFoundError, ``project_not_found``.
    """

    async def create(self, project: Project) -> None:
        """Store a new project; who makes it is its first lead."""
        await self._rows.add(ProjectRow, project)
        await Members(self._connection, project.id).put(
            project.installer_id, ProjectRole.LEAD, at=project.created_at
        )

    async def get(
        self,
        project_id: str,
        *,
        installer_id: str,
        even_handed_over: bool = False,
        by_visit: bool = False,
    ) -> Project:
        """One project that the installer works on, which ends at the handover.

        ``even_handed_over`` is for the summary, the certificate and the features, which the
        installer keeps; ``by_visit`` for what an open service visit gives back.

        Raises:
            ForbiddenError: ``project_handed_over``.

        """
        project = await self._one(_of_installer(project_id, installer_id))
        kept = even_handed_over and project.is_kept
        if not kept and not (by_visit and project.service_visit_id is not None):
            await refuse_handed_over(self._connection, project)
        return project

    async def owned(
        self, project_id: str, *, site_owner_id: str, for_change: bool = False
    ) -> Project:
        """One project that the site owner has claimed.

        ``for_change`` locks it: no handover completes between the look and the change.
        """
        query = select(ProjectRow.__table__).where(
            col(ProjectRow.id) == project_id, col(ProjectRow.site_owner_id) == site_owner_id
        )
        return await self._one(query.with_for_update() if for_change else query)

    async def for_change(
        self,
        project_id: str,
        *,
        installer_id: str,
        lead: bool = False,
        even_archived: bool = False,
        by_visit: bool = False,
    ) -> Project:
        """Lock one project of the installer for a change of it, or of anything in it.

        The lock keeps a handover from completing between the look and the change. ``lead``: only
        a lead of the project makes this change. ``even_archived``: it is brought back, or removed.
        ``by_visit``: an open service visit allows it after the handover; whether the charge point
        that is changed is of that visit is for the caller to look.

        Raises:
            ForbiddenError: ``lead_needed``.
            ConflictError: ``project_handed_over``; ``project_archived``.

        """
        query = _of_installer(project_id, installer_id).with_for_update(of=ProjectRow)
        project = await self._one(query)
        if by_visit and project.service_visit_id is not None:
            return project
        if lead and project.role not in {ProjectRole.LEAD, ProjectRole.SERVICE}:
            raise ForbiddenError(
                "lead_needed",
                "Only a lead of the project can do this, and you are a technician of it. "
                "`GET …/collaborators` says who leads it.",
            )
        if project.status is ProjectStatus.HANDED_OVER:
            raise ConflictError(
                "project_handed_over",
                "The project was handed over to the site owner; nothing of it can be changed, but "
                "for what a service visit opens: its charge points.",
            )
        if project.archived_at is not None and not even_archived:
            raise refused_as_archived(project_id, project.archived_at)
        return project

    async def change(self, project_id: str, values: Mapping[str, object]) -> None:
        """Set columns of a project that :meth:`for_change` locked."""
        if values:
            await self._rows.at(ProjectRow, project_id).set(**values)

    async def page(
        self,
        *,
        installer_id: str,
        status: ProjectStatus | None,
        archived: bool,
        before: str | None,
        limit: int,
    ) -> Sequence[Project]:
        """Projects that the installer works on, newest first, older than the id ``before``.

        Those that are ``archived``, or those that are not.
        """
        put_aside = col(ProjectRow.archived_at).is_not(None)
        query = _all_of_installer(installer_id).where(put_aside if archived else ~put_aside)
        if status is not None:
            query = query.where(col(ProjectRow.status) == status)
        return await self._page(query, before=before, limit=limit)

    async def page_of_owner(
        self, *, site_owner_id: str, before: str | None, limit: int
    ) -> Sequence[Project]:
        """Projects that the site owner has claimed, newest first."""
        query = select(ProjectRow.__table__).where(col(ProjectRow.site_owner_id) == site_owner_id)
        return await self._page(query, before=before, limit=limit)

    async def counts(
        self, project_id: str, *, visitor: str | None = None
    ) -> Mapping[ChargePointStatus, int]:
        """How many charge points are in each status: of the project, or of a visit to it."""
        query = (
            select(col(ChargePoint.status), func.count())
            .where(col(ChargePoint.project_id) == project_id)
            .group_by(col(ChargePoint.status))
        )
        if visitor is not None:
            query = query.where(in_visit(col(ChargePoint.id), visitor))
        rows = await self._connection.execute(query)
        return {ChargePointStatus(status): number for status, number in rows}

    async def _page(
        self, query: Select[Any], *, before: str | None, limit: int
    ) -> Sequence[Project]:
        return await self._rows.read_newest(
            query, _project, key=col(ProjectRow.id), before=before, limit=limit
        )

    async def _one(self, query: Select[Any]) -> Project:
        row = await self._rows.find(query)
        if row is None:
            raise NotFoundError("project_not_found", "You have no project with this id.")
        return _project(row)


async def read_project(connection: AsyncConnection, project_id: str) -> Project:
    """One project, for who has seen already that the caller may read of it."""
    query = select(ProjectRow.__table__).where(col(ProjectRow.id) == project_id)
    return _project(await Rows(connection).one(query))


def refused_as_archived(project_id: str, since: datetime) -> ConflictError:
    """Refuse a change of what is put aside, and say how it comes back."""
    return ConflictError(
        "project_archived",
        f"The project was archived on {since:%Y-%m-%d}, and stays as it was. A lead of it brings "
        f"it back with POST …/projects/{project_id}/unarchive.",
    )


async def refuse_handed_over(connection: AsyncConnection, project: Project) -> None:
    """Refuse the installer what belongs to the site owner now.

    Raises:
        ForbiddenError: ``project_handed_over``.

    """
    if project.status is not ProjectStatus.HANDED_OVER:
        return
    owner = await Rows(connection).value(col(Account.email), project.site_owner_id)
    said = f"{project.name} was handed over and belongs to {owner} now: ask them."
    if project.is_kept:
        said += " You keep its summary and its certificates."
    if project.service_visit_id is not None:
        said += (
            f" Your service visit {project.service_visit_id} opens its charge points to you, and "
            "no more: GET …/installer/charge-points lists them."
        )
    raise ForbiddenError("project_handed_over", said)


def _all_of_installer(installer_id: str) -> Select[Any]:
    """Those that the account works on, and those that it has an open service visit in."""
    visit = newest_visit(col(ProjectRow.id), installer_id)
    return (
        select(
            ProjectRow.__table__,
            col(ProjectMember.role).label("member_role"),
            visit.label("service_visit_id"),
        )
        .outerjoin(
            ProjectMember,
            (col(ProjectMember.project_id) == col(ProjectRow.id))
            & (col(ProjectMember.account_id) == installer_id),
        )
        .where(is_project_of(col(ProjectRow.id), installer_id))
    )


def _of_installer(project_id: str, installer_id: str) -> Select[Any]:
    return _all_of_installer(installer_id).where(col(ProjectRow.id) == project_id)
