"""How the update of a charge point's local list is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.names import local_list_workflow_id
from domain.offline import UpdateLocalList
from workflows.local_list import LocalListWorkflow


async def start_local_list(
    client: Client, charge_point_id: str, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the update; False when one is under way already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            LocalListWorkflow.run,
            UpdateLocalList(charge_point_id=charge_point_id),
            id=local_list_workflow_id(charge_point_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"Bring the local list of {charge_point_id} up to date",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
