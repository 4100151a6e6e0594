"""StrayTransactionWorkflow: keeps trying to stop a test transaction that would not stop."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.charge_point import ChargePointActivities
    from activities.records import DirectoryActivities, RecordActivities
    from domain.commissioning import StrayTransaction
    from domain.names import node_task_queue
    from domain.operations import StopTestTransaction
    from workflows import policies


@workflow.defn
class StrayTransactionWorkflow:
    """The alarm of a transaction left running: it asks again, ever more slowly, until it ends."""

    @workflow.run
    async def run(self, stray: StrayTransaction) -> None:
        """Ask until the transaction has ended."""
        pause = policies.STRAY_FIRST_PAUSE
        for _ in range(policies.STRAY_TRIES_PER_RUN):
            if await self._ended(stray):
                return
            await self._ask(stray)
            await workflow.sleep(pause, summary="Pause before the next stop")
            pause = min(2 * pause, policies.STRAY_LONGEST_PAUSE)
        workflow.continue_as_new(stray)

    async def _ended(self, stray: StrayTransaction) -> bool:
        read = await workflow.execute_activity_method(
            RecordActivities.read_meter_values,
            stray.transaction_id,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary="Look whether the transaction has ended",
        )
        return read.transaction is None or read.transaction.stopped_at is not None

    async def _ask(self, stray: StrayTransaction) -> None:
        found = await workflow.execute_activity_method(
            DirectoryActivities.locate,
            stray.charge_point_id,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary="Locate the charge point",
        )
        if found.connection is None:
            return
        try:
            await workflow.execute_activity_method(
                ChargePointActivities.stop_test_transaction,
                StopTestTransaction(
                    charge_point_id=stray.charge_point_id,
                    commissioning_id=stray.commissioning_id,
                    transaction_id=stray.transaction_id,
                ),
                task_queue=node_task_queue(found.connection.node_id),
                schedule_to_start_timeout=policies.NODE_PICKUP,
                start_to_close_timeout=policies.NODE_OPERATION_TIMEOUT,
                retry_policy=policies.NODE_RETRY,
                summary="Stop the stray test charge",
            )
        except ActivityError:
            workflow.logger.warning("stray_transaction_not_stopped")
