"""How the mail about held records is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.names import held_digest_workflow_id
from workflows.held_digest import HeldDigestWorkflow


async def start_held_digest(
    client: Client, project_id: str, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the mail; False when one is on its way already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            HeldDigestWorkflow.run,
            project_id,
            id=held_digest_workflow_id(project_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"Mail the held records of {project_id}",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
