"""How a workflow is started: the one place that calls Temporal for it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Self, TypeVar

from temporalio.client import Client, ScheduleActionStartWorkflow, WithStartWorkflowOperation
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from domain.errors import UnavailableError
from domain.names import SearchAttribute
from domain.summaries import within_limit
from temporal.client import RPC_TIMEOUT

R = TypeVar("R")
Clients = Callable[[], AbstractAsyncContextManager[Client]]
_CLOSING_GRACE: Final = timedelta(seconds=5)
_CLOSING_PAUSE: Final = 0.2


class Existing(Enum):
    """What a workflow of the same id, open or closed, means for a start."""

    REFUSES = (WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.FAIL)
    """An open one refuses it."""
    SERVES = (WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.USE_EXISTING)
    """An open one does as well, and gets the signal of the start."""
    FORBIDS = (WorkflowIDReusePolicy.REJECT_DUPLICATE, WorkflowIDConflictPolicy.FAIL)
    """There is one ever: a closed one refuses it, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """A workflow by name, for a node knows no workflow; and all that its start depends on."""

    workflow: str
    request: object
    id: str
    summary: str
    existing: Existing = Existing.REFUSES
    details: str | None = None
    attributes: Mapping[SearchAttribute, str] = field(default_factory=dict)
    signal: str | None = None
    signal_args: tuple[object, ...] = ()
    ends_within: timedelta | None = None
    told_apart_by: SearchAttribute | None = None
    """Which of the attributes tells it from one before that had the same id."""

    def telling(self, signal: str, *args: object) -> Self:
        """The same, but that an open one is told, in one call with the start."""
        return replace(self, existing=Existing.SERVES, signal=signal, signal_args=args)

    async def begin(
        self, client: Client, task_queue: str, *, rpc_timeout: timedelta = RPC_TIMEOUT
    ) -> bool:
        """Start it; False when a workflow of that id refuses it.

        Raises:
            RPCError: Temporal refused or did not answer.

        """
        try:
            await client.start_workflow(
                self.workflow,
                self.request,
                start_signal=self.signal,
                start_signal_args=self.signal_args,
                rpc_timeout=rpc_timeout,
                **self._options(task_queue),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def begin_when_free(self, clients: Clients, task_queue: str) -> None:
        """Start it; harmless when it was started already.

        A workflow that is still closing holds the id for a moment, so that is waited for.

        Raises:
            UnavailableError: ``previous_run_closing``.
            RPCError: Temporal refused or did not answer.

        """
        give_up = asyncio.get_running_loop().time() + _CLOSING_GRACE.total_seconds()
        while True:
            async with clients() as client:
                if await self.begin(client, task_queue):
                    return
            if await self._runs_already(clients):
                return
            if asyncio.get_running_loop().time() > give_up:
                raise UnavailableError(
                    "previous_run_closing",
                    "The run before this one is still closing. Try again in a moment.",
                )
            await asyncio.sleep(_CLOSING_PAUSE)

    async def result(self, client: Client, task_queue: str, kind: type[R]) -> R:
        """Start it and wait for its end.

        Raises:
            WorkflowFailureError: it failed.
            RPCError: Temporal refused or did not answer.

        """
        done: R = await client.execute_workflow(
            self.workflow, self.request, result_type=kind, **self._options(task_queue)
        )
        return done

    def before_update(self, task_queue: str) -> WithStartWorkflowOperation[Any, Any]:
        """The first half of an update-with-start; the update stands for the signal."""
        return WithStartWorkflowOperation(self.workflow, self.request, **self._options(task_queue))

    def on_schedule(self, task_queue: str) -> ScheduleActionStartWorkflow:
        """What a Schedule does; its own policy says what an open one means."""
        return ScheduleActionStartWorkflow(
            self.workflow,
            self.request,
            id=self.id,
            task_queue=task_queue,
            static_summary=within_limit(self.summary),
        )

    async def _runs_already(self, clients: Clients) -> bool:
        """Tell whether the workflow that holds the id is this very one."""
        assert self.told_apart_by is not None  # noqa: S101 - else nothing says which it is
        try:
            async with clients() as client:
                handle = client.get_workflow_handle(self.id)
                holder = await handle.describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError:
            return False
        key = SearchAttributeKey.for_keyword(self.told_apart_by)
        return holder.typed_search_attributes.get(key) == self.attributes[self.told_apart_by]

    def _options(self, task_queue: str) -> dict[str, Any]:
        reuse, conflict = self.existing.value
        return {
            "id": self.id,
            "task_queue": task_queue,
            "id_reuse_policy": reuse,
            "id_conflict_policy": conflict,
            "search_attributes": TypedSearchAttributes(
                [
                    SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                    for name, value in self.attributes.items()
                ]
            )
            if self.attributes
            else None,
            "static_summary": within_limit(self.summary),
            "static_details": self.details,
            "execution_timeout": self.ends_within,
        }
