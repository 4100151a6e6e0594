"""How a workflow is started that is open once at most: by whoever comes first."""

from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.types import MethodAsyncSingleParam

T = TypeVar("T")


async def start_once(
    client: Client,
    workflow: MethodAsyncSingleParam[Any, T, object],
    about: T,
    *,
    id: str,  # noqa: A002 - the SDK's name
    summary: str,
    task_queue: str,
    rpc_timeout: timedelta,
) -> bool:
    """Start it; False when one with that id is open already.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    try:
        await client.start_workflow(
            workflow,
            about,
            id=id,
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=summary,
            rpc_timeout=rpc_timeout,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
