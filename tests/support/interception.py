"""A client of Temporal that has something done before its calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionDescription,
    WorkflowHandle,
)


def intercepted(
    client: Client,
    *,
    start: Callable[[StartWorkflowInput], Awaitable[None]] | None = None,
    describe: Callable[[DescribeWorkflowInput], Awaitable[None]] | None = None,
    lists: Callable[[ListWorkflowsInput], None] | None = None,
) -> Client:
    """Return such a client; what is raised before a call is raised in its place."""
    config = client.config()
    config["interceptors"] = [_Before(start=start, describe=describe, lists=lists)]
    return Client(**config)


@dataclass(kw_only=True)
class _Before(Interceptor):
    start: Callable[[StartWorkflowInput], Awaitable[None]] | None
    describe: Callable[[DescribeWorkflowInput], Awaitable[None]] | None
    lists: Callable[[ListWorkflowsInput], None] | None

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _Outbound(next, self)


class _Outbound(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, before: _Before) -> None:
        super().__init__(following)
        self._before = before

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        if self._before.start is not None:
            await self._before.start(input)
        return await super().start_workflow(input)

    async def describe_workflow(
        self,
        input: DescribeWorkflowInput,  # noqa: A002
    ) -> WorkflowExecutionDescription:
        if self._before.describe is not None:
            await self._before.describe(input)
        return await super().describe_workflow(input)

    def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:  # noqa: A002
        if self._before.lists is not None:
            self._before.lists(input)
        return super().list_workflows(input)
