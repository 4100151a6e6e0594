"""Choosing who may charge: its owner at any time, its installer until the handover."""

from sqlalchemy.ext.asyncio import AsyncConnection

from api.access.schemas import AccessChange, AccessShown
from api.call import Call
from api.deps import now
from domain.audit import AuditAction
from domain.states import OfflineAccess, Role
from storage.access import Access
from storage.audit import Audit
from storage.models.projects import IdTag


async def shown(call: Call, project_id: str) -> AccessShown:
    """Whom the charge points charge for, and how many id tags are listed."""
    async with call.read() as connection:
        await call.project(connection, project_id)
        return await _shown(Access(connection, project_id))


async def choose(call: Call, project_id: str, change: AccessChange) -> AccessShown:
    """Admit everybody, or the listed id tags alone.

    Raises:
        ConflictError: ``owner_has_chosen``, for an installer.

    """
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        access = Access(connection, project_id)
        before = await _shown(access)
        await access.set_mode(change.mode, by=call.account.role, at=now(), offline=change.offline)
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


async def put_tag(call: Call, project_id: str, id_tag: str, *, label: str | None) -> IdTag:
    """List an id tag, or change its label.

    Raises:
        ConflictError: ``id_tags_full``, or ``owner_has_chosen`` for an installer.

    """
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        tag = await Access(connection, project_id).put(
            id_tag, label=label, at=now(), by=call.account.role
        )
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_PUT, call.actor, target=id_tag, at=now(), after={"label": tag.label}
        )
    return tag


async def remove_tag(call: Call, project_id: str, id_tag: str) -> None:
    """Take an id tag off the list.

    Raises:
        NotFoundError: ``id_tag_not_found``.
        ConflictError: ``owner_has_chosen``, for an installer.

    """
    async with call.write() as connection:
        await _for_change(connection, call, project_id)
        await Access(connection, project_id).remove(id_tag, by=call.account.role, at=now())
        await Audit(connection, project_id).write(
            AuditAction.ID_TAG_REMOVED, call.actor, target=id_tag, at=now()
        )


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
