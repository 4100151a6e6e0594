"""The whole life of a workflow that continues as new."""

from collections.abc import Sequence

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client


async def life(client: Client, workflow_id: str, *, first: str) -> list[Sequence[HistoryEvent]]:
    """Events of each run of the workflow, from the first on."""
    runs: list[Sequence[HistoryEvent]] = []
    run_id = first
    while run_id:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        events = (await handle.fetch_history()).events
        runs.append(events)
        run_id = events[
            -1
        ].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return runs
