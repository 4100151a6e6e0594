"""ProjectCommissioningWorkflow: the runs of a whole project, so many at a time."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.runs import BatchActivities
    from domain.batch import BatchCounts, BatchOwner
    from domain.names import BATCH_CHANGED_SIGNAL
    from workflows import policies
    from workflows.temporal_calls import history_is_long, record, wait_until


@workflow.defn
class ProjectCommissioningWorkflow:
    """Takes the project's open batch on, step by step, whenever one of its runs has moved on.

    Which charge points are queued, open and done are rows, so nothing has to be carried along when
    it continues as new, and a signal that was lost or came late does no harm.
    """

    def __init__(self) -> None:
        self._changed = False

    @workflow.run
    async def run(self, project: BatchOwner) -> None:
        """Advance until nothing is open."""
        while not history_is_long():
            self._changed = False
            progress = await record(
                BatchActivities.advance_batch,
                project.project_id,
                summary="Take the next runs on",
                timeout=policies.BATCH_STEP_TIMEOUT,
            )
            workflow.set_current_details(_details(project.name, progress.counts))
            if progress.done and not self._changed:  # else the next batch has come already
                return
            if not progress.more:
                await wait_until(
                    lambda: self._changed,
                    timeout=policies.BATCH_LOOKS_AGAIN,
                    why="Look again, should a notice have been lost",
                )
        workflow.continue_as_new(project)

    @workflow.signal(name=BATCH_CHANGED_SIGNAL)
    def batch_changed(self) -> None:
        """Look again: a run has ended or waits for a person, or the batch was cancelled."""
        self._changed = True


def _details(name: str, counts: BatchCounts) -> str:
    """What operators read."""
    return "\n".join(
        [
            f"**{name}**, {counts.total} charge points",
            "",
            f"- {counts.queued} queued, {counts.in_progress} in progress",
            f"- {counts.waiting} wait for a connection or a person",
            f"- {counts.passed} passed, {counts.kept} commissioned before",
            f"- {counts.failed} failed, {counts.cancelled} cancelled",
        ]
    )
