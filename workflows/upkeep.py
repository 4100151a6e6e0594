"""Reconciling and dispatching: a workflow a turn, started by ``temporal/schedules.py``."""

from collections.abc import Awaitable, Callable

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
        summary = "Mend what a crash left between rows and workflows"
        return await _take(UpkeepActivities.reconcile, turn, summary)


@workflow.defn
class DispatcherWorkflow:
    """Has one worker send what waits in the outboxes."""

    @workflow.run
    async def run(self, turn: Turn) -> TurnDone:
        """Do so for a turn."""
        summary = "Start the deliveries and mails that wait in the outboxes"
        return await _take(UpkeepActivities.dispatch, turn, summary)


async def _take(
    rounds: Callable[[UpkeepActivities, Turn], Awaitable[TurnDone]], turn: Turn, summary: str
) -> TurnDone:
    return await workflow.execute_activity_method(
        rounds,
        turn,
        start_to_close_timeout=policies.UPKEEP_TIMEOUT,
        heartbeat_timeout=policies.UPKEEP_HEARTBEAT,
        retry_policy=policies.UPKEEP_RETRY,
        summary=summary,
    )
