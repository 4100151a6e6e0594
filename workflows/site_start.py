"""How the workflow of a site is started from outside of the handover."""

from datetime import timedelta

from temporalio.client import Client

from domain.names import site_workflow_id
from domain.power.facts import SiteRequest
from workflows.once import start_once
from workflows.site import SiteWorkflow


async def start_site(
    client: Client, request: SiteRequest, *, task_queue: str, rpc_timeout: timedelta
) -> bool:
    """Start sharing the power of a site; False when that goes on already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    return await start_once(
        client,
        SiteWorkflow.run,
        request,
        id=site_workflow_id(request.project_id),
        summary=site_summary(request.name),
        task_queue=task_queue,
        rpc_timeout=rpc_timeout,
    )


def site_summary(name: str) -> str:
    """One line for operators, within the server's limit."""
    return f"Power of {name}".encode()[:200].decode(errors="ignore")
