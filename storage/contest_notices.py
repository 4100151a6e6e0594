"""Of which contests of links nobody has been told yet: one mail each, to who is in charge."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contests import ContestNotice
from domain.states import ProjectStatus
from storage.contests import contest_of, link_record
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection
from storage.models.projects import Project, ProjectMember
from storage.rows import Rows


class StoredContestNotices:
    """Contests of links that people are to be told of; safe to repeat."""

    def __init__(
        self, database: Database, *, to_verified: bool, now: Callable[[], datetime]
    ) -> None:
        """``to_verified``: nobody is told whose address nobody has proven."""
        self._database = database
        self._to_verified = to_verified
        self._now = now

    async def notice(self, charge_point_id: str) -> ContestNotice | None:
        """Gather what is to be said; None where it is said, or over, or nobody is to be told."""
        async with self._database.read() as connection:
            row = await Rows(connection).find(
                select(
                    ChargePointConnection.__table__,
                    col(ChargePoint.serial_number),
                    col(ChargePoint.project_id),
                    col(Project.name),
                    col(Project.status),
                    col(Project.site_owner_id),
                )
                .join(
                    ChargePoint, col(ChargePoint.id) == col(ChargePointConnection.charge_point_id)
                )
                .join(Project, col(Project.id) == col(ChargePoint.project_id))
                .where(col(ChargePointConnection.charge_point_id) == charge_point_id)
            )
            contest = None if row is None else contest_of(link_record(row))
            if row is None or contest is None or contest.confirmed_at is None:
                return None
            handed_over = row.status == ProjectStatus.HANDED_OVER
            in_charge = (
                select(Account.__table__).where(col(Account.id) == row.site_owner_id)
                if handed_over
                else select(Account.__table__)
                .join(ProjectMember, col(ProjectMember.account_id) == col(Account.id))
                .where(col(ProjectMember.project_id) == row.project_id)
            )
            in_charge = in_charge.where(col(Account.deleted_at).is_(None))
            if self._to_verified:
                in_charge = in_charge.where(col(Account.verified_at).is_not(None))
            people = (await connection.execute(in_charge.order_by(col(Account.email)))).all()
        of = f"projects/{row.project_id}/" if handed_over else ""
        return ContestNotice(
            charge_point_id=charge_point_id,
            serial_number=row.serial_number,
            project_id=row.project_id,
            project_name=row.name,
            to=tuple((one.id, one.email) for one in people) if row.contest_told_at is None else (),
            path=f"/api/v1/{'site-owner' if handed_over else 'installer'}/{of}charge-points",
            contest=contest,
        )

    async def told(self, notice: ContestNotice) -> None:
        """Note that the mails about this contest were sent; there may be another by now."""
        async with self._database.write() as connection:
            is_still_this = col(ChargePointConnection.contested_at) == notice.contest.confirmed_at
            link = Rows(connection).at(ChargePointConnection, notice.charge_point_id, is_still_this)
            await link.set(contest_told_at=self._now())


async def untold_contests(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[str]:
    """Charge points in a contest that no mail has told of, in the order of their ids."""
    return await Rows(connection).values(
        select(col(ChargePointConnection.charge_point_id))
        .where(col(ChargePointConnection.contest_since).is_not(None))
        .where(col(ChargePointConnection.contested_at).is_not(None))
        .where(col(ChargePointConnection.contest_told_at).is_(None))
        .where(col(ChargePointConnection.charge_point_id) > after)
        .order_by(col(ChargePointConnection.charge_point_id))
        .limit(limit)
    )
