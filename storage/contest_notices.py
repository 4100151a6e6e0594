"""Of which contests of links nobody has been told yet: one mail each, to who is in charge."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contests import ContestNotice
from domain.states import ProjectStatus
from storage.contests import contest_of
from storage.engine import Database
from storage.tables import accounts, charge_points, connections, project_members, projects


class StoredContestNotices:
    """Implements :class:`domain.ports.ContestNotices`."""

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
            row = (
                await connection.execute(
                    select(
                        connections,
                        charge_points.c.serial_number,
                        charge_points.c.project_id,
                        projects.c.name,
                        projects.c.status,
                        projects.c.site_owner_id,
                    )
                    .join(charge_points, charge_points.c.id == connections.c.charge_point_id)
                    .join(projects, projects.c.id == charge_points.c.project_id)
                    .where(connections.c.charge_point_id == charge_point_id)
                )
            ).one_or_none()
            contest = None if row is None else contest_of(row)
            if row is None or contest is None or contest.confirmed_at is None:
                return None
            handed_over = row.status == ProjectStatus.HANDED_OVER
            in_charge = (
                select(accounts).where(accounts.c.id == row.site_owner_id)
                if handed_over
                else select(accounts)
                .join(project_members, project_members.c.account_id == accounts.c.id)
                .where(project_members.c.project_id == row.project_id)
            )
            in_charge = in_charge.where(accounts.c.deleted_at.is_(None))
            if self._to_verified:
                in_charge = in_charge.where(accounts.c.verified_at.is_not(None))
            people = (await connection.execute(in_charge.order_by(accounts.c.email))).all()
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
            await connection.execute(
                update(connections)
                .where(connections.c.charge_point_id == notice.charge_point_id)
                .where(connections.c.contested_at == notice.contest.confirmed_at)
                .values(contest_told_at=self._now())
            )


async def untold_contests(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[str]:
    """Charge points in a contest that no mail has told of, in the order of their ids."""
    rows = await connection.scalars(
        select(connections.c.charge_point_id)
        .where(connections.c.contest_since.is_not(None))
        .where(connections.c.contested_at.is_not(None))
        .where(connections.c.contest_told_at.is_(None))
        .where(connections.c.charge_point_id > after)
        .order_by(connections.c.charge_point_id)
        .limit(limit)
    )
    return rows.all()
