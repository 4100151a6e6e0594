"""How the mail about a contest of links is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.names import contest_notice_workflow_id
from workflows.contest_notice import ContestNoticeWorkflow


async def start_contest_notice(
    client: Client, charge_point_id: str, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the mail; False when one is on its way already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            ContestNoticeWorkflow.run,
            charge_point_id,
            id=contest_notice_workflow_id(charge_point_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"Mail that several links speak as {charge_point_id}",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
