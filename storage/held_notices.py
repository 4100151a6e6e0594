"""Of which held records their owners have not been told yet: at most one mail a day and project."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.billing.held import HeldDocument, HoldState
from domain.billing.messages import HeldDigest, HeldLine
from storage.dialects import among
from storage.held import HeldRecords
from storage.models.accounts import Account
from storage.models.billing import HeldRecord
from storage.models.projects import Project
from storage.records import Records
from storage.rows import Rows

GATHERED_FOR: Final = timedelta(minutes=15)
"""So long after the first one a mail waits for more of them."""
BETWEEN_MAILS: Final = timedelta(days=1)

_told = aliased(HeldRecord, name="told")


class StoredHeldNotices(Records):
    """Held records that their owners are to be told of; safe to repeat."""

    async def digest(self, project_id: str) -> HeldDigest | None:
        """Gather what no mail has told of; None where there is nothing, or nobody to tell."""
        async with self._database.read() as connection:
            site = await Rows(connection).find(
                select(
                    Project.__table__.c.name.label("project_name"),
                    col(Project.time_zone),
                    col(Account.email),
                    col(Account.name),
                )
                .join(Account, col(Account.id) == col(Project.site_owner_id))
                .where(col(Project.id) == project_id)
            )
            rows = await Rows(connection).all(
                select(col(HeldRecord.id), col(HeldRecord.document))
                .where(col(HeldRecord.project_id) == project_id)
                .where(col(HeldRecord.state) == HoldState.HELD, col(HeldRecord.mailed_at).is_(None))
                .order_by(col(HeldRecord.id))
            )
            waiting = await HeldRecords(connection, project_id).count()
        if site is None or not rows:
            return None
        zone = ZoneInfo(site.time_zone)
        return HeldDigest(
            project_id=project_id,
            project_name=site.project_name,
            email=site.email,
            name=site.name,
            new=tuple(_line(row.id, row.document, zone) for row in rows),
            waiting=waiting,
        )

    async def told(self, digest: HeldDigest) -> None:
        """Note that the mail was sent."""
        async with self._database.write() as connection:
            await connection.execute(
                update(HeldRecord)
                .where(among(connection, col(HeldRecord.id), [one.held_id for one in digest.new]))
                .values(mailed_at=self._now())
            )


async def untold(
    connection: AsyncConnection, *, now: datetime, after: str, limit: int
) -> Sequence[str]:
    """Projects whose owner is due for a mail, in the order of their ids."""
    told_of_late = exists().where(
        col(_told.project_id) == col(HeldRecord.project_id),
        col(_told.mailed_at) > now - BETWEEN_MAILS,
    )
    return await Rows(connection).values(
        select(col(HeldRecord.project_id))
        .where(col(HeldRecord.state) == HoldState.HELD, col(HeldRecord.mailed_at).is_(None))
        .where(col(HeldRecord.project_id) > after, ~told_of_late)
        .group_by(col(HeldRecord.project_id))
        .having(func.min(col(HeldRecord.held_at)) < now - GATHERED_FOR)
        .order_by(col(HeldRecord.project_id))
        .limit(limit)
    )


def _line(held_id: str, document: HeldDocument, zone: ZoneInfo) -> HeldLine:
    return HeldLine(
        held_id=held_id,
        charge_point=document.cdr_location.charge_point,
        started_at=document.start_date_time.astimezone(zone),
        reason=document.reason,
    )
