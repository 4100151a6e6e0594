"""Starts and cancels runs; one starts once the one before, whose id it takes, has closed."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributeKey, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from domain import names
from domain.checks import RunView
from domain.commissioning import CancelRequest, RetryOrder, RunRequest, RunStarted, RunToStart
from domain.errors import UnavailableError
from storage.engine import Database
from storage.run_orders import RunOrders
from storage.runs import Runs
from temporal import starts
from temporal.client import RPC_TIMEOUT
from workflows.commissioning import CommissioningWorkflow

_COMMISSIONING: Final = SearchAttributeKey.for_keyword(names.SearchAttribute.COMMISSIONING)


class TemporalRunStarter:
    """Implements :class:`domain.ports.RunStarter` and :class:`domain.ports.RunControl`.

    A row that is committed is not taken back when Temporal is away: the activity is tried again,
    and at the latest the reconciler starts what waits.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        now: Callable[[], datetime],
        task_queue: str = names.SHARED_TASK_QUEUE,
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
            await handle.cancel(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def start(self, run: RunToStart) -> None:
        """Start the workflow of a run whose row is committed; harmless when that was done.

        Should the run before take long to close, the reconciler starts this one.
        """
        with suppress(UnavailableError):
            await self._start(run)

    async def cancel_open(self, charge_point_id: str, request: CancelRequest) -> bool:
        """Cancel the open run of a charge point; False when it has no workflow.

        One that closes by itself just now is as good as cancelled: its end is told either way.
        """
        async with self._database.read() as connection:
            meant = await Runs(connection).open_run(charge_point_id)
        if meant is None:
            return False
        meant_one = replace(request, commissioning_id=meant.request.commissioning_id)
        try:
            await run_of(self._client, charge_point_id).execute_update(
                CommissioningWorkflow.cancel, meant_one
            )
        except RPCError as error:
            # Any other word, that its step just failed too, is no word about whether it is there.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        except WorkflowUpdateFailedError as error:
            refusal = error.cause.type if isinstance(error.cause, ApplicationError) else None
            if refusal not in {names.OTHER_RUN, names.RUN_CLOSING}:
                raise
            return refusal == names.RUN_CLOSING
        return True

    async def _start(self, run: RunToStart) -> RunStarted:
        await starts.run(run).begin_when_free(lambda: nullcontext(self._client), self._task_queue)
        return RunStarted(
            commissioning_id=run.request.commissioning_id,
            charge_point_id=run.request.charge_point_id,
            workflow_id=names.commissioning_workflow_id(run.request.charge_point_id),
        )


def run_of(
    client: Client, charge_point_id: str
) -> WorkflowHandle[CommissioningWorkflow, RunView | None]:
    """The workflow of the newest run of a charge point."""
    return client.get_workflow_handle_for(
        CommissioningWorkflow.run, names.commissioning_workflow_id(charge_point_id)
    )


def is_of(attributes: TypedSearchAttributes, request: RunRequest) -> bool:
    """Tell whether these are the attributes of that run's workflow."""
    return attributes.get(_COMMISSIONING) == request.commissioning_id
