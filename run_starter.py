"""Starts and cancels runs for activities, as the API does for an installer."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.commissioning import RetryOrder, RunStarted
from domain.names import SHARED_TASK_QUEUE
from storage.engine import Database
from storage.run_orders import Committed, RunOrders
from workflows.run_start import RunStart, start_when_free

_RPC_TIMEOUT = timedelta(seconds=5)


class TemporalRunStarter:
    """Implements :class:`domain.ports.RunStarter`.

    A row that is committed is not taken back when Temporal is away: the activity is tried again,
    and at the latest the reconciler starts what waits.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        now: Callable[[], datetime],
        task_queue: str = SHARED_TASK_QUEUE,
    ) -> None:
        self._client = client
        self._database = database
        self._now = now
        self._task_queue = task_queue

    async def retry(self, order: RetryOrder) -> RunStarted:
        """Run again as the newest run was started; see :meth:`storage.run_orders.RunOrders.retry`.

        Raises:
            UnavailableError: the run before is still closing; RPCError: Temporal is away.

        """
        async with self._database.write() as connection:
            committed = await RunOrders(connection, at=self._now()).retry(order)
        return await self._start(committed)

    async def cancel(self, workflow_id: str, *, run_id: str) -> None:
        """Have Temporal cancel that workflow; one that has closed is left alone."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            await handle.cancel(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _start(self, committed: Committed) -> RunStarted:
        start = RunStart(request=committed.request, registered=committed.registered)
        await start_when_free(
            lambda: nullcontext(self._client),
            start,
            task_queue=self._task_queue,
            rpc_timeout=_RPC_TIMEOUT,
        )
        return RunStarted(
            commissioning_id=committed.request.commissioning_id,
            charge_point_id=committed.request.charge_point_id,
            workflow_id=start.workflow_id,
        )
