"""StrayTransactionWorkflow: keeps trying to stop a test transaction that would not stop."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.charge_point import ChargePointActivities
    from activities.records import RecordActivities
    from domain.commissioning import NamedTransaction, OrphanedTransaction
    from domain.operations import StopTestTransaction
    from workflows import policies
    from workflows.charge_point import locate, on_node
    from workflows.local_activities import run_local


@workflow.defn
class StrayTransactionWorkflow:
    """The alarm of a transaction left running: it asks again, ever more slowly, until it ends."""

    @workflow.run
    async def run(self, orphaned: OrphanedTransaction) -> None:
        """Ask until the transaction has ended."""
        pause = policies.ORPHANED_FIRST_PAUSE
        for _ in range(policies.ORPHANED_TRIES_PER_RUN):
            if await self._ended(orphaned):
                return
            if not await self._ask(orphaned):
                return
            await workflow.sleep(pause, summary="Pause before the next stop")
            pause = min(2 * pause, policies.ORPHANED_LONGEST_PAUSE)
        workflow.continue_as_new(orphaned)

    async def _ended(self, orphaned: OrphanedTransaction) -> bool:
        read = await run_local(
            RecordActivities.readings,
            NamedTransaction(
                charge_point_id=orphaned.charge_point_id, transaction_id=orphaned.transaction_id
            ),
            summary="Look whether the transaction has ended",
        )
        return read.transaction is None or read.transaction.stopped_at is not None

    async def _ask(self, orphaned: OrphanedTransaction) -> bool:
        """Ask if it is there; False when there is nobody to ask any more: it was withdrawn."""
        found = await locate(orphaned.charge_point_id)
        if found.connection is None:
            return not found.withdrawn
        try:
            await on_node(
                ChargePointActivities.stop_test_transaction,
                StopTestTransaction(
                    charge_point_id=orphaned.charge_point_id,
                    commissioning_id=orphaned.commissioning_id,
                    transaction_id=orphaned.transaction_id,
                ),
                node_id=found.connection.node_id,
                summary="Stop the stray test charge",
            )
        except ActivityError:
            workflow.logger.warning("orphaned_transaction_not_stopped")
        return True
