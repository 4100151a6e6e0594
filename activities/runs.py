"""Runs that workflows start, and the end of the one that asks."""

from temporalio import activity

from domain.commissioning import RetryOrder, RunStarted
from domain.ports import RunStarter


class RunActivities:
    """Starts runs as the API does; each activity is safe to repeat."""

    def __init__(self, starter: RunStarter) -> None:
        self._starter = starter

    @activity.defn
    async def retry_run(self, order: RetryOrder) -> RunStarted:
        """Start a run like the newest one of the charge point."""
        return await self._starter.retry(order)

    @activity.defn
    async def cancel_run(self) -> None:
        """Cancel the workflow that asks, as the Cancel button of Temporal does."""
        asking = activity.info()
        assert asking.workflow_id is not None, "started by a workflow"  # noqa: S101
        assert asking.workflow_run_id is not None, "started by a workflow"  # noqa: S101
        await self._starter.cancel(asking.workflow_id, run_id=asking.workflow_run_id)
