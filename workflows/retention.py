"""RetentionWorkflow: a round over what is old; started by ``temporal/schedules.py``."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import RetentionActivities
    from domain.retention import LetGo
    from workflows import policies


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
