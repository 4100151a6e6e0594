"""How the mail of gathered notices is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.post import GatheredMailOrder
from domain.names import gathered_mail_workflow_id
from workflows.gathered_mail import GatheredMailWorkflow


async def start_gathered_mail(
    client: Client, notice_id: int, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the mail; False when one is on its way already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            GatheredMailWorkflow.run,
            GatheredMailOrder(notice_id=notice_id),
            id=gathered_mail_workflow_id(notice_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary="Mail gathered notices",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
