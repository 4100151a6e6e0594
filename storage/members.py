"""Who works on a project: its leads and technicians. Whoever changes one has locked the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Exists, Select, SQLColumnExpression, exists, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError, NotFoundError
from domain.states import ProjectRole, ProjectStatus
from storage.audit import Audit
from storage.models.accounts import Account
from storage.models.projects import Project, ProjectMember
from storage.read_models import read_model
from storage.rows import ProjectRepository, Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person who works on a project. Who made it stays a lead of it."""

    account_id: str
    name: str
    email: str
    company: str | None
    role: ProjectRole
    joined_at: datetime
    made_it: bool


_member = read_model(Member)


class Members(ProjectRepository):
    """Repository of the people of one project."""

    async def put(self, account_id: str, role: ProjectRole, *, at: datetime) -> None:
        """Let the account work on the project; one that does already has this role from now on."""
        if not await self._set_role(account_id, role):
            new = {"project_id": self._project_id, "account_id": account_id}
            await self._rows.add(ProjectMember, **new, role=role, joined_at=at)

    async def page(self, *, after: str | None, limit: int) -> Sequence[Member]:
        """People of the project, in the order of their accounts, after the id ``after``."""
        query = self._all()
        if after is not None:
            query = query.where(col(Account.id) > after)
        return await self._rows.read_all(query.order_by(col(Account.id)).limit(limit), _member)

    async def get(self, account_id: str) -> Member:
        """One person of the project.

        Raises:
            NotFoundError: ``collaborator_not_found``.

        """
        query = self._all().where(col(Account.id) == account_id)
        member = await self._rows.read(query, _member)
        if member is None:
            raise NotFoundError(
                "collaborator_not_found", "Nobody with this id works on the project."
            )
        return member

    async def member_or_maker(self, account_id: str | None) -> Member | None:
        """Who is told of something: that person, or the project's maker if they have left it.

        None: neither works on it any more, for an account can be deleted.
        """
        query = self._all().where(
            or_(col(Account.id) == account_id, col(Account.id) == col(Project.installer_id))
        )
        # False sorts before true: the person that was asked for comes before the maker.
        return await self._rows.read(query.order_by(literal_column("made_it")).limit(1), _member)

    async def change(self, account_id: str, role: ProjectRole, *, by: Actor, at: datetime) -> None:
        """Give a person another role; the role that they have already changes nothing.

        Raises:
            NotFoundError: ``collaborator_not_found``.
            ConflictError: ``project_maker``.

        """
        member = await self._other_than_its_maker(account_id)
        if member.role is role:
            return
        await self._set_role(account_id, role)
        await self._audit(AuditAction.COLLABORATOR_CHANGED, member, by=by, at=at, role=role)

    async def remove(self, account_id: str, *, by: Actor, at: datetime) -> None:
        """End a person's work on the project.

        Raises:
            NotFoundError: ``collaborator_not_found``.
            ConflictError: ``project_maker``.

        """
        member = await self._other_than_its_maker(account_id)
        await self._rows.at(ProjectMember, (self._project_id, account_id)).remove()
        await self._audit(AuditAction.COLLABORATOR_REMOVED, member, by=by, at=at, role=None)

    async def _other_than_its_maker(self, account_id: str) -> Member:
        member = await self.get(account_id)
        if member.made_it:
            raise ConflictError(
                "project_maker", f"{member.email} made the project and stays a lead of it."
            )
        return member

    async def _set_role(self, account_id: str, role: ProjectRole) -> bool:
        return await self._rows.at(ProjectMember, (self._project_id, account_id)).set(role=role)

    async def _audit(
        self,
        action: AuditAction,
        member: Member,
        *,
        by: Actor,
        at: datetime,
        role: ProjectRole | None,
    ) -> None:
        await Audit(self._connection, self._project_id).write(
            action,
            by,
            target=member.account_id,
            at=at,
            before={"email": member.email, "role": member.role.value},
            after=None if role is None else {"email": member.email, "role": role.value},
        )

    def _all(self) -> Select[*tuple[Any, ...]]:
        return (
            select(
                col(Account.id).label("account_id"),
                col(Account.name),
                col(Account.email),
                col(Account.company),
                col(ProjectMember.role),
                col(ProjectMember.joined_at),
                (col(Project.installer_id) == col(Account.id)).label("made_it"),
            )
            .select_from(ProjectMember)
            .join(Account, col(Account.id) == col(ProjectMember.account_id))
            .join(Project, col(Project.id) == col(ProjectMember.project_id))
            .where(col(ProjectMember.project_id) == self._project_id)
        )


async def open_projects_of(connection: AsyncConnection, account_id: str) -> Sequence[str]:
    """Ids of the projects that the account works on, but for those that are handed over."""
    return await Rows(connection).values(
        select(col(Project.id))
        .join(ProjectMember, col(ProjectMember.project_id) == col(Project.id))
        .where(col(ProjectMember.account_id) == account_id)
        .where(col(Project.status) == ProjectStatus.IN_PROGRESS)
        .order_by(col(Project.id))
    )


def works_on(
    project_id: SQLColumnExpression[str], account_id: SQLColumnExpression[str] | str
) -> Exists:
    """Predicate: the account works on the project of that column."""
    return (
        exists()
        .where(col(ProjectMember.project_id) == project_id)
        .where(col(ProjectMember.account_id) == account_id)
    )
