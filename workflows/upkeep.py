"""What the engine does by itself, again and again; started by ``temporal/schedules.py``."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.upkeep import RetentionActivities, UpkeepActivities
    from domain.retention import LetGo
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


@workflow.defn
class RetentionWorkflow:
    """Lets go of what is old until nothing is; says how much has gone."""

    @workflow.run
    async def run(self, so_far: LetGo) -> LetGo:
        """Go on until it is done. The rows say where it is, so a repeat does no harm."""
        for _ in range(policies.RETENTION_TURNS):
            if so_far.is_done:
                break
            gone = await workflow.execute_activity_method(
                RetentionActivities.let_go,
                start_to_close_timeout=policies.RETENTION_TIMEOUT,
                heartbeat_timeout=policies.RETENTION_HEARTBEAT,
                retry_policy=policies.RETENTION_RETRY,
                summary="Let go of what is old",
            )
            so_far = so_far.and_also(gone)
            workflow.set_current_details(so_far.in_words)
        if not so_far.is_done:
            workflow.continue_as_new(so_far)
        return so_far
