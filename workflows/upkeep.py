"""Reconciling and dispatching: a workflow a turn, started by ``temporal/schedules.py``."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.upkeep import UpkeepActivities
    from domain.upkeep import Turn, TurnDone
    from workflows import policies


@workflow.defn
class ReconcilerWorkflow:
    """Has one worker bring rows and workflows together."""

    @workflow.run
    async def run(self, turn: Turn) -> TurnDone:
        """Do so for a turn."""
        return await workflow.execute_activity_method(
            UpkeepActivities.reconcile,
            turn,
            start_to_close_timeout=policies.UPKEEP_TIMEOUT,
            heartbeat_timeout=policies.UPKEEP_HEARTBEAT,
            retry_policy=policies.UPKEEP_RETRY,
            summary="Mend what a crash left between rows and workflows",
        )


@workflow.defn
class DispatcherWorkflow:
    """Has one worker send what waits in the outboxes."""

    @workflow.run
    async def run(self, turn: Turn) -> TurnDone:
        """Do so for a turn."""
        return await workflow.execute_activity_method(
            UpkeepActivities.dispatch,
            turn,
            start_to_close_timeout=policies.UPKEEP_TIMEOUT,
            heartbeat_timeout=policies.UPKEEP_HEARTBEAT,
            retry_policy=policies.UPKEEP_RETRY,
            summary="Start the deliveries and mails that wait in the outboxes",
        )
