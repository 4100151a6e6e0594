"""A call of the API: who calls, and what of theirs it is about."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from api.parts import Parts
from api.security.tokens import Token
from domain.audit import Actor
from domain.errors import NotFoundError
from domain.states import Role
from storage.charge_points import ChargePoint, ChargePoints
from storage.models.accounts import Account
from storage.projects import Project, Projects


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Who calls, and the parts to answer with.

    Projects and charge points are those of whoever calls: their owner, or an installer who works on
    them. The flags are for installers, as :class:`Projects` and :class:`ChargePoints` explain them.
    """

    parts: Parts
    account: Account
    token: Token
    actor: Actor

    @asynccontextmanager
    async def read(
        self, *, project: str | None = None, charge_point: str | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """Read in one transaction, of this project or charge point if one is named.

        Raises:
            NotFoundError: ``project_not_found``; ``charge_point_not_found``.
            ForbiddenError: ``project_handed_over``; ``outside_service_visit``.

        """
        async with self.parts.database.read() as connection:
            if project is not None:
                await self.project(connection, project)
            if charge_point is not None:
                await self.charge_point(connection, charge_point, project_id=project)
            yield connection

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Write in one transaction, committed at the end of the block."""
        return self.parts.database.write()

    async def project(
        self,
        connection: AsyncConnection,
        project_id: str,
        *,
        even_handed_over: bool = False,
        by_visit: bool = False,
    ) -> Project:
        """One project; errors as :meth:`read`."""
        projects = Projects(connection)
        if self.account.role is Role.SITE_OWNER:
            return await projects.owned(project_id, site_owner_id=self.account.id)
        return await projects.get(
            project_id,
            installer_id=self.account.id,
            even_handed_over=even_handed_over,
            by_visit=by_visit,
        )

    async def project_for_change(
        self,
        connection: AsyncConnection,
        project_id: str,
        *,
        lead: bool = False,
        even_archived: bool = False,
        by_visit: bool = False,
    ) -> Project:
        """Lock one project for a change of it, or of anything in it.

        Raises:
            NotFoundError: ``project_not_found``.
            ForbiddenError: ``lead_needed``.
            ConflictError: ``project_handed_over``; ``project_archived``.

        """
        projects = Projects(connection)
        if self.account.role is Role.SITE_OWNER:
            return await projects.owned(project_id, site_owner_id=self.account.id, for_change=True)
        return await projects.for_change(
            project_id,
            installer_id=self.account.id,
            lead=lead,
            even_archived=even_archived,
            by_visit=by_visit,
        )

    async def charge_point(
        self,
        connection: AsyncConnection,
        charge_point_id: str,
        *,
        project_id: str | None = None,
        even_handed_over: bool = False,
    ) -> ChargePoint:
        """One charge point; an owner names its project, and has looked whose that is."""
        charge_points = ChargePoints(connection)
        if project_id is not None:
            return await charge_points.in_project(charge_point_id, project_id)
        return await charge_points.get(
            charge_point_id, installer_id=self.account.id, even_handed_over=even_handed_over
        )

    async def charge_point_for_change(
        self, connection: AsyncConnection, charge_point_id: str, *, even_withdrawn: bool = False
    ) -> ChargePoint:
        """Lock the project of an installer's charge point for a change of that.

        Raises:
            NotFoundError: ``charge_point_not_found``.
            ForbiddenError: ``outside_service_visit``.
            ConflictError: ``project_handed_over``; ``project_archived``; ``withdrawn``.

        """
        return await ChargePoints(connection).for_change(
            charge_point_id, installer_id=self.account.id, even_withdrawn=even_withdrawn
        )


def no_project() -> NotFoundError:
    """Whoever calls has no such project."""
    return NotFoundError("project_not_found", "You have no project with this id.")


def no_charge_point() -> NotFoundError:
    """Whoever calls has no such charge point."""
    return NotFoundError("charge_point_not_found", "You have no charge point with this id.")


def no_run() -> NotFoundError:
    """The charge point has no such run."""
    return NotFoundError("run_not_found", "The charge point has no run with this id.")
