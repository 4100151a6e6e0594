"""Projects whose visits, power or ends of invitations nobody looks after."""

from operator import attrgetter, itemgetter

import structlog

from domain.handover import ProjectRequest
from domain.names import site_workflow_id
from domain.power.facts import SiteRequest
from storage.invitations import Invitations
from storage.power_sharing import handed_over_sites
from storage.visit_records import visits_to_look_after
from temporal import starts
from temporal.reconciler.step import MISSED, YOUNG, ReconcilerParts, ReconcileStep

_log = structlog.get_logger(__name__)


class ProjectSteps:
    """Starts the workflows of projects and sites, or tells them."""

    def __init__(self, parts: ReconcilerParts) -> None:
        self._parts = parts
        self.all = (
            ReconcileStep(
                "sites", handed_over_sites, self._share_power, key=attrgetter("project_id")
            ),
            ReconcileStep(
                "visits",
                lambda connection, **page: visits_to_look_after(
                    connection, before=parts.now() - YOUNG, **page
                ),
                self._look_after_visits,
                key=attrgetter("project_id"),
            ),
        )
        self.invitations = ReconcileStep(
            "invitations",
            lambda connection, **page: Invitations(connection).untold_ends(
                before=parts.now() - MISSED, **page
            ),
            self._tell_it_has_ended,
            key=itemgetter(0),
        )

    async def _share_power(self, site: SiteRequest) -> None:
        if self._parts.open.lists(site_workflow_id(site.project_id)):
            return
        if await self._parts.begin(starts.site(site)):
            _log.warning("site_started_again", project=site.project_id)

    async def _look_after_visits(self, project: ProjectRequest) -> None:
        if await self._parts.open.have(project.project_id):
            return
        await self._parts.begin(starts.project(project))
        _log.warning("visits_looked_after_again", project=project.project_id)

    async def _tell_it_has_ended(self, missed: tuple[str, ProjectRequest]) -> None:
        invitation_id, project = missed
        await self._parts.begin(starts.invitation_ended(project, invitation_id))
        _log.warning("invitation_end_was_missed", invitation=invitation_id)
