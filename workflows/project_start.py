"""Telling a project's workflow, which is started where it does not run."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from domain.handover import ProjectRequest
from workflows.project import ProjectWorkflow


async def tell_invitation_ended(
    client: Client,
    project: ProjectRequest,
    invitation_id: str,
    *,
    task_queue: str,
    rpc_timeout: timedelta,
) -> None:
    """Say that an invitation has ended, or should have."""
    await client.start_workflow(
        ProjectWorkflow.run,
        project,
        id=project.project_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="invitation_ended",
        start_signal_args=[invitation_id],
        rpc_timeout=rpc_timeout,
    )


async def start_visits(
    client: Client, project: ProjectRequest, *, task_queue: str, rpc_timeout: timedelta
) -> None:
    """Have the service visits of a project looked after, by a workflow that runs or is started."""
    await client.start_workflow(
        ProjectWorkflow.run,
        project,
        id=project.project_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        rpc_timeout=rpc_timeout,
    )
