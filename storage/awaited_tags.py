"""Id tags that are listed by presenting the card: the next unknown one at a charge point."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.states import ProjectStatus, Role
from storage.access import Access
from storage.audit import Audit
from storage.dialects import among
from storage.fact_records import Authorization, TransactionStart
from storage.models.charge_points import AwaitedTag, ChargePoint
from storage.models.projects import Project
from storage.rows import Repository, Rows

PRESENTED_WITHIN: Final = timedelta(minutes=1)
"""A start that is older than this when it comes tells of no card that is presented now."""
_LONGEST: Final = 20  # CiString20


class AwaitedTags(Repository):
    """Repository of what is awaited at one charge point."""

    def __init__(self, connection: AsyncConnection, charge_point_id: str) -> None:
        super().__init__(connection)
        self._charge_point_id = charge_point_id

    async def put(self, *, label: str | None, by: Actor, at: datetime, until: datetime) -> None:
        """Await the next unknown tag; what was awaited before is not any more."""
        await self.end()
        await self._rows.add(
            AwaitedTag,
            charge_point_id=self._charge_point_id,
            label=label,
            asked_by=by.account_id,
            asked_email=by.email,
            asked_at=at,
            until=until,
        )

    async def get(self) -> AwaitedTag | None:
        """What is awaited there, or came last."""
        return await self._rows.look_up(AwaitedTag, self._charge_point_id)

    async def end(self) -> None:
        """Await nothing."""
        await self._rows.at(AwaitedTag, self._charge_point_id).remove()


async def list_awaited(
    connection: AsyncConnection, records: Sequence[Authorization | TransactionStart]
) -> None:
    """List the first unknown tag at each charge point where one is awaited, and accept it."""
    refused = [one for one in records if not one.accepted and len(one.id_tag) <= _LONGEST]
    if not refused:
        return
    now = datetime.now(UTC)
    rows = await connection.execute(
        select(AwaitedTag.__table__, col(ChargePoint.project_id))
        .join(ChargePoint, col(ChargePoint.id) == col(AwaitedTag.charge_point_id))
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .where(
            among(
                connection,
                col(AwaitedTag.charge_point_id),
                {record.charge_point_id for record in refused},
            )
        )
        .where(col(AwaitedTag.id_tag).is_(None), col(AwaitedTag.until) > now)
        .where(col(Project.status) == ProjectStatus.HANDED_OVER)
    )
    for row in rows.all():
        record = next(one for one in refused if one.charge_point_id == row.charge_point_id)
        id_tag = record.id_tag.strip()
        came = (
            await Rows(connection)
            .at(AwaitedTag, row.charge_point_id, col(AwaitedTag.id_tag).is_(None))
            .set(id_tag=id_tag)
        )
        if not came:
            continue  # another node was faster
        try:
            await Access(connection, row.project_id).put(
                id_tag, label=row.label, at=now, by=Role.SITE_OWNER
            )
        except ConflictError:
            continue  # the list is full, and says so where it is looked at
        record.accepted = True
        by = Actor(
            email=row.asked_email, role=Role.SITE_OWNER.value, account_id=row.asked_by, address=None
        )
        await Audit(connection, row.project_id).write(
            AuditAction.ID_TAG_PUT,
            by,
            target=id_tag,
            at=now,
            after={"label": row.label, "presented_at": row.charge_point_id},
        )
