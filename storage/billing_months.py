"""Which months of a project's statements are closed: nothing is issued into one any more."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.billing.calendar import month_of
from storage.models.projects import Project


class Months:
    """The first month of one project that is still open.

    Once open it is never an earlier one again, whatever becomes of the clock or the time zone.
    """

    def __init__(self, connection: AsyncConnection, project_id: str) -> None:
        self._connection = connection
        self._project_id = project_id

    async def open_at(self, moment: datetime) -> tuple[str, bool]:
        """The month that is open then, and whether those before it are closed for good."""
        row = (
            await self._connection.execute(
                select(col(Project.time_zone), col(Project.open_month)).where(
                    col(Project.id) == self._project_id
                )
            )
        ).one()
        opened, by_the_clock = row.open_month or "", month_of(moment, ZoneInfo(row.time_zone))
        return max(opened, by_the_clock), opened >= by_the_clock

    async def close(self, moment: datetime) -> None:
        """Close the months that are over then.

        The lock waits for whoever is issuing into one of them; who comes later finds it closed.
        """
        await self._connection.execute(
            select(col(Project.id)).where(col(Project.id) == self._project_id).with_for_update()
        )
        opened, _ = await self.open_at(moment)
        await self._connection.execute(
            update(Project).where(col(Project.id) == self._project_id).values(open_month=opened)
        )
