"""How workflows run activities without a charge point: on records in their own task, and mails."""

from temporalio import workflow
from temporalio.common import RetryPolicy

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


async def mail(
    activity: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    summary: str,
    retry: RetryPolicy = policies.MAIL_RETRY,
) -> ResultT:
    """Run an activity that sends a mail; a mail server may be away for long."""
    return await workflow.execute_activity_method(
        activity,
        request,
        start_to_close_timeout=policies.MAIL_TIMEOUT,
        retry_policy=retry,
        summary=summary,
    )


async def record(
    activity: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    summary: str,
) -> ResultT:
    """Run an activity that writes a record and more, so that it does not fit into the own task."""
    return await workflow.execute_activity_method(
        activity,
        request,
        start_to_close_timeout=policies.RECORD_TIMEOUT,
        retry_policy=policies.RECORD_RETRY,
        summary=summary,
    )
