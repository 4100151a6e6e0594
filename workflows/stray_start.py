"""How the alarm of a transaction is raised from outside of a run."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.commissioning import StrayTransaction
from domain.names import stray_transaction_workflow_id
from workflows.stray import StrayTransactionWorkflow


async def start_stray(
    client: Client, stray: StrayTransaction, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the workflow that asks until the transaction has ended; False when it runs already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            StrayTransactionWorkflow.run,
            stray,
            id=stray_transaction_workflow_id(stray.transaction_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"Stop stray transaction {stray.transaction_id}",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
