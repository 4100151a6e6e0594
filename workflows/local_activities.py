"""How workflows run activities that only read or write the database: locally, in their own task."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from workflows import policies

ActivitiesT = TypeVar("ActivitiesT")
RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


async def run_local(
    activity: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    summary: str,
) -> ResultT:
    """Run an activity that reads or writes a record, however long the database is away.

    It runs in the workflow's own task, which saves the three writes that Temporal needs for any
    other activity; so it must be short, and is repeated when the worker dies in the middle of it.
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
