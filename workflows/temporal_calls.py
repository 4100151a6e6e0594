"""What workflows ask of Temporal, each in one way: activities, waits, workflows, a new history."""

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.types import MethodAsyncSingleParam
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from typing import Any, TypeVar

    from domain.cancellation import losing_none
    from domain.summaries import within_limit
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


async def record(
    activity: Callable[[ActivitiesT, RequestT], Awaitable[ResultT]],
    request: RequestT,
    *,
    summary: str,
    timeout: timedelta = policies.RECORD_TIMEOUT,
) -> ResultT:
    """Run an activity that writes a record and more, so that it does not fit into the own task."""
    return await workflow.execute_activity_method(
        activity,
        request,
        start_to_close_timeout=timeout,
        retry_policy=policies.RECORD_RETRY,
        summary=summary,
    )


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


async def wait_until(condition: Callable[[], bool], *, timeout: timedelta | None, why: str) -> bool:
    """Wait for an event; False when the time, if any, is over. ``why`` is what operators see.

    Raises:
        asyncio.CancelledError: it was cancelled, were it at the very moment of the event.

    """
    try:
        await losing_none(workflow.wait_condition(condition, timeout=timeout, timeout_summary=why))
    except TimeoutError:
        return False
    return True


async def start_outliving(
    run: MethodAsyncSingleParam[Any, RequestT, object],
    request: RequestT,
    *,
    id: str,  # noqa: A002 - the SDK's name
    summary: str,
) -> bool:
    """Start a workflow that outlives this one; False where one of that id is open already."""
    try:
        await workflow.start_child_workflow(
            run,
            request,
            id=id,
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=within_limit(summary),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def tell(workflow_id: str, signal: str, *message: object) -> bool:
    """Signal another workflow; False where it has ended."""
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal(signal, args=message)
    except ApplicationError:
        return False
    return True


def history_events() -> int:
    """How many events the history has by now."""
    return workflow.info().get_current_history_length()


def history_is_long() -> bool:
    """Tell whether to continue as new: the server thinks so, or there are many events."""
    return (
        workflow.info().is_continue_as_new_suggested() or history_events() > policies.HISTORY_EVENTS
    )
