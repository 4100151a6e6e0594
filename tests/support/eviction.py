"""Workers that leave no workflow behind in a process that lives on.

A worker that ends forgets its open workflows without tearing them down (temporalio/sdk-python#494
and #1849). The garbage collector closes their coroutines later, in any thread: in one that runs a
workflow of another test, a ``finally`` would then send its commands from there. The engine's own
workers end with their process; those of tests do not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from weakref import WeakSet

from temporalio.bridge.proto.workflow_activation import (
    RemoveFromCache,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.plugin import SimplePlugin
from temporalio.worker import (
    Worker,
    WorkerConfig,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.workflow import _Definition

_DEADLOCK_SECONDS = 20
"""A step of a workflow shares one interpreter with the whole test: on a loaded machine the 2 s of
the SDK are over before it had its turn."""
_RUNNERS: tuple[Literal["workflow_runner"], Literal["unsandboxed_workflow_runner"]] = (
    "workflow_runner",
    "unsandboxed_workflow_runner",
)


_PREPARED: set[type] = set()
"""Workflows that the sandbox has taken once in this process: each worker of each test asks anew,
which was an eighth of what a test of the API costs."""


class EvictAtTheEnd(SimplePlugin):
    """A plugin of a client: its workers evict what they still have when they end."""

    def __init__(self) -> None:
        super().__init__("evict at the end")

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Keep track of what the worker runs."""
        for kind in _RUNNERS:
            config[kind] = _Tracking(config[kind])
        return config

    async def run_worker(
        self,
        worker: Worker,
        next: Callable[[Worker], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Run the worker, then evict."""
        config = worker.config(active_config=True)
        if worker._workflow_worker is not None:
            worker._workflow_worker._deadlock_timeout_seconds = _DEADLOCK_SECONDS
        try:
            await next(worker)
        finally:
            for kind in _RUNNERS:
                runner = config[kind]
                assert isinstance(runner, _Tracking)
                # In a thread of its own: here another event loop runs than the workflow's.
                await asyncio.to_thread(runner.evict)


class _Tracking(WorkflowRunner):
    """Implements WorkflowRunner by another, and knows every instance that is still there."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner
        self._instances: WeakSet[WorkflowInstance] = WeakSet()

    def prepare_workflow(self, defn: _Definition) -> None:
        if defn.cls not in _PREPARED:
            self._runner.prepare_workflow(defn)
            _PREPARED.add(defn.cls)

    def set_worker_level_failure_exception_types(
        self, types: Sequence[type[BaseException]]
    ) -> None:
        self._runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = self._runner.create_instance(det)
        self._instances.add(instance)
        return instance

    def evict(self) -> None:
        """Tear down what is left; harmless for what was torn down before."""
        job = WorkflowActivationJob(remove_from_cache=RemoveFromCache(message="the worker ended"))
        for instance in list(self._instances):
            instance.activate(WorkflowActivation(run_id=instance.get_info().run_id, jobs=[job]))
        self._instances.clear()
