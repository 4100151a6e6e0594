"""Who may charge at a project once it is handed over: listed id tags, or everybody."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.id_tag import key_of
from domain.states import AccessMode, OfflineAccess, ProjectStatus, Role
from storage.dialects import among
from storage.in_use import is_in_use
from storage.models.charge_points import ChargePoint
from storage.models.projects import IdTag, Project
from storage.rows import ProjectRepository, record_of

MAX_TAGS = 10_000


_listed = record_of(IdTag)


async def admitted(
    connection: AsyncConnection, presented: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Of pairs of charge point and id tag, return those that the owner of the site admits.

    None where a run commissions the charge point, or before one has.
    """
    rows = await connection.execute(
        select(col(ChargePoint.id), col(ChargePoint.project_id), col(Project.access))
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .where(among(connection, col(ChargePoint.id), {identity for identity, _ in presented}))
        .where(col(Project.status) == ProjectStatus.HANDED_OVER, is_in_use())
    )
    sites = {row.id: (row.project_id, AccessMode(row.access)) for row in rows}
    if not sites:
        return set()
    rows = await connection.execute(
        select(col(IdTag.project_id), col(IdTag.tag_key))
        .where(among(connection, col(IdTag.project_id), {project for project, _ in sites.values()}))
        .where(among(connection, col(IdTag.tag_key), {key_of(id_tag) for _, id_tag in presented}))
    )
    listed = {(row.project_id, row.tag_key) for row in rows}

    def may_charge(identity: str, id_tag: str) -> bool:
        project, mode = sites.get(identity, ("", AccessMode.LISTED))
        return mode is AccessMode.OPEN or (project, key_of(id_tag)) in listed

    return {pair for pair in presented if may_charge(*pair)}


def _the_owners(chosen: tuple[AccessMode, int]) -> ConflictError:
    mode, _ = chosen
    return ConflictError(
        "owner_has_chosen",
        f"The site owner has chosen who may charge (`{mode.value}`), and alone changes that.",
    )


class Access(ProjectRepository):
    """Repository of what the owner of one project allows."""

    async def mode(self) -> tuple[AccessMode, int]:
        """Return the mode, and how many tags are listed."""
        project = await self._rows.get(Project, self._project_id)
        return AccessMode(project.access), await self._count()

    async def offline(self) -> OfflineAccess | None:
        """Whom charge points charge for while the engine is away; None: nobody has chosen."""
        found = await self._rows.value(col(Project.offline), self._project_id)
        return None if found is None else OfflineAccess(found)

    async def set_mode(
        self, mode: AccessMode, *, by: Role, at: datetime, offline: OfflineAccess | None = None
    ) -> None:
        """Admit everybody, or the listed tags alone; ``offline`` None leaves that as it is.

        Who is not admitted any more is not admitted offline either.

        Raises:
            ConflictError: ``owner_has_chosen``, for an installer.

        """
        if by is Role.INSTALLER:
            chosen_by = await self._rows.value(col(Project.access_set_as), self._project_id)
            if chosen_by == Role.SITE_OWNER:
                raise _the_owners(await self.mode())
        await self._rows.at(Project, self._project_id).set(access=mode, access_set_as=by)
        before = await self.offline()
        chosen = offline or before
        if mode is AccessMode.LISTED and chosen is OfflineAccess.EVERYBODY:
            chosen = OfflineAccess.LISTED
        await self._changed(at, offline=chosen)

    async def put(self, id_tag: str, *, label: str | None, at: datetime, by: Role) -> IdTag:
        """List a tag, or change its label.

        Raises:
            ConflictError: ``id_tags_full``, or ``owner_has_chosen`` for an installer.

        """
        key = key_of(id_tag)
        await self._refuse_owners(key, by)
        if not await self._rows.at(IdTag, (self._project_id, key)).set(label=label):
            if await self._count() >= MAX_TAGS:
                raise ConflictError(
                    "id_tags_full",
                    f"A project lists at most {MAX_TAGS} id tags. Remove some, or admit everybody.",
                )
            await self._rows.add(
                IdTag,
                project_id=self._project_id,
                tag_key=key,
                id_tag=id_tag.strip(),
                label=label,
                set_as=by,
                added_at=at,
            )
            await self._changed(at)
        return await self._rows.get(IdTag, (self._project_id, key))

    async def remove(self, id_tag: str, *, by: Role, at: datetime) -> None:
        """Take a tag off the list; a session that runs goes on.

        Raises:
            NotFoundError: ``id_tag_not_found``.
            ConflictError: ``owner_has_chosen``, for an installer.

        """
        await self._refuse_owners(key_of(id_tag), by)
        if not await self._rows.at(IdTag, (self._project_id, key_of(id_tag))).remove():
            raise NotFoundError("id_tag_not_found", "The project lists no such id tag.")
        await self._changed(at)

    async def page(
        self, *, after: str | None, limit: int, set_as: Role | None = None
    ) -> Sequence[IdTag]:
        """Return listed tags in their order, after the tag ``after``; ``set_as``: those alone."""
        query = self._mine(IdTag)
        if set_as is not None:
            query = query.where(col(IdTag.set_as) == set_as)
        if after is not None:
            query = query.where(col(IdTag.tag_key) > key_of(after))
        return await self._rows.read_all(query.order_by(col(IdTag.tag_key)).limit(limit), _listed)

    async def _changed(self, at: datetime, **values: object) -> None:
        """Have the local lists of the charge points follow."""
        await self._rows.at(Project, self._project_id).set(access_changed_at=at, **values)

    async def _refuse_owners(self, key: str, by: Role) -> None:
        if by is not Role.INSTALLER:
            return
        set_as = await self._rows.value(col(IdTag.set_as), (self._project_id, key))
        if set_as == Role.SITE_OWNER:
            raise ConflictError(
                "owner_has_chosen", "The site owner has listed this id tag, and alone changes it."
            )

    async def _count(self) -> int:
        return await self._rows.count(IdTag, col(IdTag.project_id) == self._project_id)
