"""How workflows call activities: beside the database, and on the node that holds a socket."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from typing import Any, TypeVar

    from domain.names import node_task_queue
    from workflows import policies

ActivitiesT = TypeVar("ActivitiesT")
RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


async def record(
    activity: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    summary: str,
) -> ResultT:
    """Read or write a record, however long the database is away.

    In the workflow's own task, which saves the three writes that Temporal needs for an activity
    of its own; so it is short, and repeated when the worker dies in the middle of it.
    """
    result: Any = await workflow.execute_local_activity_method(
        activity,
        request,
        start_to_close_timeout=policies.RECORD_TIMEOUT,
        retry_policy=policies.RECORD_RETRY,
        local_retry_threshold=policies.RECORD_RETRY_IN_TASK,
        summary=summary,
    )
    return result  # type: ignore[no-any-return]


async def on_node(
    operation: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    node_id: str,
    summary: str,
    timeout: timedelta = policies.NODE_OPERATION_TIMEOUT,
    pickup: timedelta | None = None,
) -> ResultT:
    """Run an operation on that node, once; ``pickup`` is :data:`policies.NODE_PICKUP` by default.

    Raises:
        ActivityError: nobody served the node's queue in time, the node died, the charge point's
            socket is not there, or the operation failed.

    """
    return await workflow.execute_activity_method(
        operation,
        request,
        task_queue=node_task_queue(node_id),
        schedule_to_start_timeout=pickup or policies.NODE_PICKUP,
        start_to_close_timeout=timeout,
        heartbeat_timeout=policies.NODE_HEARTBEAT,
        retry_policy=policies.NODE_RETRY,
        summary=summary,
    )
