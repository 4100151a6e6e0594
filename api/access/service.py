"""Choosing who may charge: its owner at any time, its installer until the handover."""

from sqlalchemy.ext.asyncio import AsyncConnection

from api.access.schemas import AccessChange, AccessShown
from api.deps import now
from api.parts import Parts
from domain.audit import Actor, AuditAction
from domain.states import OfflineAccess, Role
from storage.access import Access
from storage.audit import Audit
from storage.models.accounts import Account
from storage.models.projects import IdTag
from storage.projects import Projects


async def shown(parts: Parts, account: Account, project_id: str) -> AccessShown:
    """Whom the charge points charge for, and how many id tags are listed."""
    async with parts.database.read() as connection:
        if account.role is Role.INSTALLER:
            await Projects(connection).get(project_id, installer_id=account.id)
        else:
            await Projects(connection).owned(project_id, site_owner_id=account.id)
        return await _shown(Access(connection, project_id))


async def choose(
    parts: Parts, account: Account, project_id: str, change: AccessChange, *, by: Actor
) -> AccessShown:
    """Admit everybody, or the listed id tags alone.

    Raises:
        ConflictError: ``owner_has_chosen``, for an installer.

    """
    async with parts.database.write() as connection:
        await _for_change(connection, account, project_id)
        access = Access(connection, project_id)
        before = await _shown(access)
        await access.set_mode(change.mode, by=account.role, at=now(), offline=change.offline)
        after = await _shown(access)
        await Audit(connection, project_id).write(
            AuditAction.ACCESS_CHANGED,
            by,
            target=project_id,
            at=now(),
            before=_audited(before),
            after=_audited(after),
        )
        return after


async def put_tag(
    parts: Parts,
    account: Account,
    project_id: str,
    id_tag: str,
    *,
    label: str | None,
    by: Actor,
) -> IdTag:
    """List an id tag, or change its label.

    Raises:
        ConflictError: ``id_tags_full``, or ``owner_has_chosen`` for an installer.

    """
    async with parts.database.write() as connection:
        await _for_change(connection, account, project_id)
        tag = await Access(connection, project_id).put(
            id_tag, label=label, at=now(), by=account.role
        )
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_PUT, by, target=id_tag, at=now(), after={"label": tag.label}
        )
    return tag


async def remove_tag(
    parts: Parts, account: Account, project_id: str, id_tag: str, *, by: Actor
) -> None:
    """Take an id tag off the list.

    Raises:
        NotFoundError: ``id_tag_not_found``.
        ConflictError: ``owner_has_chosen``, for an installer.

    """
    async with parts.database.write() as connection:
        await _for_change(connection, account, project_id)
        await Access(connection, project_id).remove(id_tag, by=account.role, at=now())
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_REMOVED, by, target=id_tag, at=now()
        )


async def _shown(access: Access) -> AccessShown:
    mode, count = await access.mode()
    offline = await access.offline() or OfflineAccess.LISTED
    return AccessShown(mode=mode, id_tags=count, offline=offline)


def _audited(shown: AccessShown) -> dict[str, str]:
    return {"mode": shown.mode, "offline": shown.offline}


async def _for_change(connection: AsyncConnection, account: Account, project_id: str) -> None:
    projects = Projects(connection)
    if account.role is Role.INSTALLER:
        await projects.for_change(project_id, installer_id=account.id, lead=True)
    else:
        await projects.owned(project_id, site_owner_id=account.id)
