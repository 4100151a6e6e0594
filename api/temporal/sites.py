"""What the API asks of the workflows of sites."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import WorkflowHandle, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from api.temporal.link import ANSWER_TIMEOUT, TemporalLink, no_answer, temporal_away
from domain.names import site_workflow_id
from domain.power.facts import PauseSmartCharging, SetElectrical, SetLimit, SiteLoad, SiteRequest
from temporal import starts
from workflows.site import SiteWorkflow


class SiteGateway:
    """Asks and tells a site's workflow, and starts it where it does not run."""

    def __init__(self, link: TemporalLink, task_queue: str) -> None:
        self._link = link
        self._task_queue = task_queue

    async def load(self, site: SiteRequest) -> SiteLoad:
        """Ask how the power is shared now."""
        async with self._workflow(site) as handle:
            return await handle.query(SiteWorkflow.load)

    async def set_limit(self, site: SiteRequest, change: SetLimit) -> None:
        """Change what the supply carries; answered once that is stored."""
        async with self._workflow(site) as handle:
            await handle.execute_update(SiteWorkflow.set_limit, change)

    async def set_electrical(self, site: SiteRequest, change: SetElectrical) -> None:
        """Change how a charge point is connected; answered once that is stored."""
        async with self._workflow(site) as handle:
            await handle.execute_update(SiteWorkflow.set_electrical, change)

    async def pause(self, site: SiteRequest, change: PauseSmartCharging) -> None:
        """Pause, or go on; answered once that is stored."""
        async with self._workflow(site) as handle:
            await handle.execute_update(SiteWorkflow.pause, change)

    async def look_again(self, site: SiteRequest, charge_point_id: str) -> None:
        """Tell it that a charge point has come, is to go, or is another one now."""
        async with self._workflow(site) as handle:
            await handle.signal(SiteWorkflow.look_again, charge_point_id)

    @asynccontextmanager
    async def _workflow(
        self, site: SiteRequest
    ) -> AsyncIterator[WorkflowHandle[SiteWorkflow, None]]:
        """Find the workflow; the first caller after a crash may have to start it."""
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                await starts.site(site).begin(client, self._task_queue)
                yield client.get_workflow_handle_for(
                    SiteWorkflow.run, site_workflow_id(site.project_id)
                )
        except (WorkflowQueryFailedError, WorkflowUpdateFailedError) as error:
            raise no_answer() from error
        except RPCError as error:
            raise temporal_away() from error
