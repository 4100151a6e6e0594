"""What all steps of a round share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client

from domain.names import LOOK_AGAIN_SIGNAL, site_workflow_id
from storage.engine import Database
from temporal.client import RPC_TIMEOUT
from temporal.open_workflows import OpenWorkflows
from temporal.start import Start

YOUNG: Final = timedelta(seconds=10)
"""The writer of a row may still be starting its workflow for so long."""
MISSED: Final = timedelta(minutes=1)
"""What was not told after this time will not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcilerParts:
    """Temporal and the database, and what was found there at the beginning of the round."""

    client: Client
    database: Database
    now: Callable[[], datetime]
    task_queue: str
    open: OpenWorkflows

    async def begin(self, start: Start) -> bool:
        """Start a workflow; False when it is open already."""
        begun = await start.begin(self.client, self.task_queue)
        self.open.add(start.id)
        return begun

    async def tell_site(self, project_id: str, signal: str, about: object) -> None:
        """Tell the workflow of a site, if it is handed over."""
        site = site_workflow_id(project_id)
        if self.open.lists(site):
            handle = self.client.get_workflow_handle(site)
            await handle.signal(signal, about, rpc_timeout=RPC_TIMEOUT)

    async def have_site_look(self, project_id: str, charge_point_id: str) -> None:
        """Tell the workflow of a site that it may have missed something of a charge point."""
        await self.tell_site(project_id, LOOK_AGAIN_SIGNAL, charge_point_id)
