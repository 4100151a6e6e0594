"""The yardstick: a workflow of five sequential activities that do nothing, and its worker.

``python -m bench.bare <address> <task queue>`` serves it until its standard input is closed. It
has the SDK, the event loop, the data converter and the sandbox of the engine's own worker.
"""

import asyncio
import sys
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

ACTIVITIES = 5


@activity.defn
async def do_nothing() -> None:
    """Do nothing."""


@workflow.defn
class BareWorkflow:
    """Five activities, one after the other."""

    @workflow.run
    async def run(self) -> None:
        """Run them."""
        for _ in range(ACTIVITIES):
            await workflow.execute_activity(
                do_nothing, start_to_close_timeout=timedelta(seconds=30)
            )


async def serve(address: str, task_queue: str) -> None:
    """Run the worker until standard input is closed."""
    from worker import workflow_runner

    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[BareWorkflow],
        activities=[do_nothing],
        workflow_runner=workflow_runner(),
    ):
        await _input_closed()


async def _input_closed() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*sys.argv[1:]))
