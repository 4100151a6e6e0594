"""Which months of a project's statements are closed: nothing is issued into one any more."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from domain.billing.calendar import month_of
from storage.models.projects import Project
from storage.rows import ProjectRepository


class Months(ProjectRepository):
    """The first month of one project that is still open.

    Once open it is never an earlier one again, whatever becomes of the clock or the time zone.
    """

    async def open_at(self, moment: datetime) -> tuple[str, bool]:
        """The month that is open then, and whether those before it are closed for good."""
        row = await self._rows.one(
            select(col(Project.time_zone), col(Project.open_month)).where(
                col(Project.id) == self._project_id
            )
        )
        opened, by_the_clock = row.open_month or "", month_of(moment, ZoneInfo(row.time_zone))
        return max(opened, by_the_clock), opened >= by_the_clock

    async def close(self, moment: datetime) -> None:
        """Close the months that are over then.

        The lock waits for whoever is issuing into one of them; who comes later finds it closed.
        """
        await self._rows.at(Project, self._project_id).lock()
        opened, _ = await self.open_at(moment)
        await self._rows.at(Project, self._project_id).set(open_month=opened)
