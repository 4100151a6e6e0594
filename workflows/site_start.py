"""How the workflow of a site is started from outside of the handover."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.names import site_workflow_id
from domain.power.facts import SiteRequest
from workflows.site import SiteWorkflow


async def start_site(
    client: Client, request: SiteRequest, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start sharing the power of a site; False when that goes on already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            SiteWorkflow.run,
            request,
            id=site_workflow_id(request.project_id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=site_summary(request.name),
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


def site_summary(name: str) -> str:
    """One line for operators, within the server's limit."""
    return f"Power of {name}".encode()[:200].decode(errors="ignore")
