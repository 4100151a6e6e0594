"""Workflows that a workflow starts, and that go on when it has ended."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.types import MethodAsyncSingleParam
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from typing import Any, TypeVar

    from domain.summaries import within_limit

T = TypeVar("T")


async def start_outliving(
    run: MethodAsyncSingleParam[Any, T, object],
    request: T,
    *,
    id: str,  # noqa: A002 - the SDK's name
    summary: str,
) -> bool:
    """Start it; False where one of that id is open already."""
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
