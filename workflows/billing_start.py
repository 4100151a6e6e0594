"""How the billing of a transaction is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.billing.messages import BillTransaction
from domain.names import billing_workflow_id
from workflows.billing import BillingWorkflow


async def start_billing(
    client: Client, bill: BillTransaction, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start the billing of a transaction; False when it runs already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            BillingWorkflow.run,
            bill,
            id=billing_workflow_id(bill.charge_point_id, bill.transaction_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"Bill transaction {bill.transaction_id}",
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
