"""What a run could not put right at its charge point: workflows that try, ever more slowly."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.charge_point import ChargePointActivities
    from activities.records import RecordActivities
    from domain.commissioning import AvailabilityOwed, NamedTransaction, OrphanedTransaction
    from domain.operations import ChangeAvailability, Reply, StopTestTransaction
    from workflows import policies
    from workflows.charge_point import locate, on_node
    from workflows.temporal_calls import run_local

UNHEARD = frozenset({Reply.TIMEOUT, Reply.UNKNOWN})
"""After these a charge point may not even have got the command."""


@workflow.defn
class StrayTransactionWorkflow:
    """The alarm of a test transaction left running: asks it to stop until it has ended."""

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


@workflow.defn
class AvailabilityWorkflow:
    """Makes connectors inoperative again that a cancelled run had to leave operative.

    Ends without that where another run has begun: what that one finds and leaves is what counts.
    """

    @workflow.run
    async def run(self, owed: AvailabilityOwed) -> None:
        """Look until nothing is owed any more."""
        pause = policies.OWED_FIRST_PAUSE
        for _ in range(policies.OWED_LOOKS_PER_RUN):
            summary = "Look whether another run has begun"
            if not await run_local(RecordActivities.is_newest, owed, summary=summary):
                return
            owed = replace(owed, connector_ids=await self._left(owed))
            if not owed.connector_ids:
                return
            await workflow.sleep(pause, summary="Pause before the next look")
            pause = min(2 * pause, policies.OWED_LONGEST_PAUSE)
        workflow.continue_as_new(owed)

    async def _left(self, owed: AvailabilityOwed) -> tuple[int, ...]:
        """Put back what can be put back now, and tell what is left."""
        found = await locate(owed.charge_point_id)
        if found.connection is None:
            return owed.connector_ids
        return tuple(
            [
                number
                for number in owed.connector_ids
                if not await self._put_back(owed, number, node_id=found.connection.node_id)
            ]
        )

    async def _put_back(self, owed: AvailabilityOwed, number: int, *, node_id: str) -> bool:
        try:
            outcome = await on_node(
                ChargePointActivities.change_availability,
                ChangeAvailability(
                    charge_point_id=owed.charge_point_id,
                    commissioning_id=owed.commissioning_id,
                    connector_id=number,
                    operative=False,
                ),
                node_id=node_id,
                summary=f"Make connector {number} inoperative again",
            )
        except ActivityError:
            workflow.logger.warning("availability_not_put_back")
            return False
        return outcome.reply not in UNHEARD
