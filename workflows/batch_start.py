"""How the workflow of a project's commissioning is started, or told to look again."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)

from domain.batch import BatchOwner
from domain.names import BATCH_CHANGED_SIGNAL, SearchAttribute, batch_workflow_id
from workflows.project_commissioning import ProjectCommissioningWorkflow

_SUMMARY_BYTES = 200  # the server's limit


async def wake_batch(
    client: Client, owner: BatchOwner, *, task_queue: str, rpc_timeout: timedelta
) -> None:
    """Signal the project's workflow, and start it if it does not run: both in one call.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    values = {
        SearchAttribute.PROJECT: owner.project_id,
        SearchAttribute.INSTALLER: owner.installer_id,
    }
    await client.start_workflow(
        ProjectCommissioningWorkflow.run,
        owner,
        id=batch_workflow_id(owner.project_id),
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal=BATCH_CHANGED_SIGNAL,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                for name, value in values.items()
            ]
        ),
        static_summary=f"Commission {owner.name}".encode()[:_SUMMARY_BYTES].decode(errors="ignore"),
        rpc_timeout=rpc_timeout,
    )
