"""Which months of a project's statements are closed: nothing is issued into one any more."""

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.billing.calendar import month_of
from storage.models.projects import Project
from storage.rows import ProjectRepository


class Months(ProjectRepository):
    """The first month of one project that is still open.

    Once open it is never an earlier one again, whatever becomes of the clock or the time zone.
    """

    async def open_at(self, moment: datetime) -> tuple[str, bool]:
        """The month that is open then, and whether those before it are closed for good."""
        project = await self._rows.get(Project, self._project_id)
        opened, zone = project.open_month or "", ZoneInfo(project.time_zone)
        by_the_clock = month_of(moment, zone)
        return max(opened, by_the_clock), opened >= by_the_clock

    async def close(self, moment: datetime) -> None:
        """Close the months that are over then.

        The lock waits for whoever is issuing into one of them; who comes later finds it closed.
        """
        project = self._rows.at(Project, self._project_id)
        await project.lock()
        opened, _ = await self.open_at(moment)
        await project.set(open_month=opened)
